//! How handlers fail.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Fails a handler for now: it is tried again after the delay, whatever its `errors` mode.
///
/// # Examples
/// ```
/// use kopfrs::handler::TemporaryError;
///
/// fn check(ready: bool) -> Result<(), TemporaryError> {
///     if ready { Ok(()) } else { Err(TemporaryError::after_secs("not ready yet", 10)) }
/// }
/// # assert!(check(false).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemporaryError {
    message: String,
    delay: Duration,
}

/// Fails a handler for good: it is not tried again for this change.
///
/// # Examples
/// ```
/// use kopfrs::handler::PermanentError;
///
/// fn check(size: i64) -> Result<(), PermanentError> {
///     if size >= 0 { Ok(()) } else { Err(PermanentError::new("spec.size must not be negative")) }
/// }
/// # assert!(check(-1).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermanentError {
    message: String,
}

/// Any failure of a handler.
///
/// Made by `?` from every error. It is not an error itself: that is what lets `?` take them all.
#[derive(Debug)]
pub struct HandlerError {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Try again after this delay.
    Temporary(Duration),
    /// Do not try again.
    Permanent,
    /// As the handler's `errors` mode says.
    Arbitrary,
    /// The handler panicked: as its `errors` mode says.
    Panic,
    /// An argument could not be made from the object: tried again when the object changes.
    Argument,
}

impl TemporaryError {
    /// Tries again after a delay.
    pub fn new(message: impl Into<String>, delay: Duration) -> Self {
        Self {
            message: message.into(),
            delay,
        }
    }

    /// Tries again after some seconds.
    pub fn after_secs(message: impl Into<String>, seconds: u64) -> Self {
        Self::new(message, Duration::from_secs(seconds))
    }

    /// The delay.
    pub fn delay(&self) -> Duration {
        self.delay
    }
}

impl PermanentError {
    /// Does not try again.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for TemporaryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for PermanentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for TemporaryError {}
impl Error for PermanentError {}

impl HandlerError {
    /// A failure of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Keeps what it was made from.
    pub fn with_source(self, source: Box<dyn Error + Send + Sync>) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// What it means.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened, with all that is known of the reasons.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What it was made from.
    pub fn source(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.source.as_deref()
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
