//! How handlers fail.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::chain;
use crate::reconcile::TypedError;

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
    typed: Option<Box<TypedError>>,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Try again after this delay.
    Temporary(Duration),
    /// Do not try again.
    Permanent,
    /// Do not try again, and refuse the reviewed request with this code.
    Admission(u16),
    /// As the handler's `errors` mode says.
    Arbitrary,
    /// The handler panicked: as its `errors` mode says.
    Panic,
    /// An argument could not be made from the object: tried again when the object changes.
    Argument,
    /// Sub-handlers are not finished: called again after this delay, which is no failure.
    Unfinished(Duration),
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
            typed: None,
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

    /// Whether it only says that sub-handlers are not finished.
    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(self.kind, ErrorKind::Unfinished(_))
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

impl HandlerError {
    /// An argument could not be made.
    #[doc(hidden)]
    pub fn of_argument(error: impl Error + Send + Sync + 'static) -> Self {
        Self::new(ErrorKind::Argument, error.to_string()).with_source(Box::new(error))
    }

    /// What is to be told of it in the status.
    pub(crate) fn typed(&self) -> Option<&TypedError> {
        self.typed.as_deref()
    }

    /// A panic of a handler, with what it said.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = format!("panicked: {}", text.unwrap_or("no message"));
        Self::new(ErrorKind::Panic, message)
    }
}

/// `?` takes every error: of std and other libraries, boxed ones, `anyhow::Error`, `eyre::Report`,
/// and texts.
///
/// A [`TemporaryError`] or [`PermanentError`] anywhere in the chain of sources decides what the
/// failure means. Inside of `anyhow::Error` and `eyre::Report`, the outermost error is only seen
/// with the feature of that name.
impl<E> From<E> for HandlerError
where
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    fn from(error: E) -> Self {
        // Once boxed, what is directly inside of a report cannot be recognised any more.
        let kind = chain::find_in_report(&error, &chain::kind);
        let typed = chain::find_in_report(&error, &TypedError::of);
        let error: Box<dyn Error + Send + Sync> = error.into();
        let kind = kind.or_else(|| chain::find(&*error, &chain::kind));
        let typed = typed.or_else(|| chain::find(&*error, &TypedError::of));
        Self {
            kind: kind.unwrap_or(ErrorKind::Arbitrary),
            message: chain::message(&*error),
            source: Some(error),
            typed: typed.map(Box::new),
        }
    }
}

/// What handlers return: any error becomes a [`HandlerError`] by `?`.
///
/// # Examples
/// ```
/// fn read(text: &str) -> kopfrs::Result<u32> {
///     let number = text.parse()?;
///     Ok(number)
/// }
/// assert_eq!(read("x").unwrap_err().message(), "invalid digit found in string");
/// ```
pub type Result<T = (), E = HandlerError> = std::result::Result<T, E>;

/// What can be the error of a handler: everything that `?` turns into a [`HandlerError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    label = "an error of this type is returned",
    note = "return `kopfrs::Result<…>`, or a `Result` whose error is `std::error::Error + Send + Sync + 'static`, `anyhow::Error`, `eyre::Report`, `Box<dyn Error + Send + Sync>`, `HandlerError`, or a text"
)]
pub trait IntoHandlerError {
    /// The failure.
    fn into_handler_error(self) -> HandlerError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<HandlerError>> IntoHandlerError for E {
    fn into_handler_error(self) -> HandlerError {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Box<dyn Error + Send + Sync>);

    #[derive(Debug, thiserror::Error)]
    #[error("says it all: {0}")]
    struct Verbose(#[source] io::Error);

    fn temporary() -> TemporaryError {
        TemporaryError::after_secs("not yet", 7)
    }

    fn failed<T>(result: Result<T, HandlerError>) -> HandlerError {
        result.err().unwrap()
    }

    #[test]
    fn every_error_becomes_a_handler_error() {
        fn number() -> Result<u32, HandlerError> {
            Ok("x".parse::<u32>()?)
        }
        fn boxed() -> Result<(), HandlerError> {
            Err::<(), Box<dyn Error + Send + Sync>>("boxed".into())?;
            Ok(())
        }
        fn text() -> Result<(), HandlerError> {
            Err("text")?;
            Ok(())
        }
        fn same() -> Result<(), HandlerError> {
            Err(HandlerError::new(ErrorKind::Permanent, "same"))?;
            Ok(())
        }
        for (error, kind, message) in [
            (
                failed(number()),
                ErrorKind::Arbitrary,
                "invalid digit found in string",
            ),
            (failed(boxed()), ErrorKind::Arbitrary, "boxed"),
            (failed(text()), ErrorKind::Arbitrary, "text"),
            (failed(same()), ErrorKind::Permanent, "same"),
        ] {
            assert_eq!((error.kind(), error.message()), (kind, message));
        }
    }

    #[test]
    fn what_an_error_means_is_found_anywhere_in_its_chain() {
        let seven = ErrorKind::Temporary(Duration::from_secs(7));
        let permanent = || PermanentError::new("never");
        let rows: [(HandlerError, ErrorKind, &str); 7] = [
            (temporary().into(), seven, "not yet"),
            (permanent().into(), ErrorKind::Permanent, "never"),
            (Outer(temporary().into()).into(), seven, "outer: not yet"),
            (io::Error::other(temporary()).into(), seven, "not yet"),
            (
                Outer(io::Error::other(permanent()).into()).into(),
                ErrorKind::Permanent,
                "outer: never",
            ),
            (
                Outer(Box::new(Outer(permanent().into()))).into(),
                ErrorKind::Permanent,
                "outer: never",
            ),
            (
                Verbose(io::Error::other("disk")).into(),
                ErrorKind::Arbitrary,
                "says it all: disk",
            ),
        ];
        for (error, kind, message) in rows {
            assert_eq!((error.kind(), error.message()), (kind, message));
        }
    }

    #[cfg(feature = "anyhow")]
    #[test]
    fn anyhow_hides_nothing() {
        use anyhow::Context as _;
        let seven = ErrorKind::Temporary(Duration::from_secs(7));
        let bare: HandlerError = anyhow::Error::from(temporary()).into();
        let nested: Result<(), anyhow::Error> = Err(temporary()).context("inner").context("outer");
        let nested: HandlerError = nested.unwrap_err().into();
        assert_eq!((bare.kind(), bare.message()), (seven, "not yet"));
        assert_eq!(
            (nested.kind(), nested.message()),
            (seven, "outer: inner: not yet")
        );
    }

    #[cfg(feature = "eyre")]
    #[test]
    fn eyre_hides_nothing() {
        use eyre::WrapErr as _;
        // Users have eyre's `auto-install`, or a hook of their own.
        eyre::set_hook(Box::new(eyre::DefaultHandler::default_with)).unwrap();
        let seven = ErrorKind::Temporary(Duration::from_secs(7));
        let bare: HandlerError = eyre::Report::from(temporary()).into();
        let nested: Result<(), eyre::Report> = Err(temporary()).wrap_err("outer");
        let nested: HandlerError = nested.unwrap_err().into();
        assert_eq!(bare.kind(), seven);
        assert_eq!((nested.kind(), nested.message()), (seven, "outer: not yet"));
    }

    #[test]
    fn a_panic_says_what_it_said() {
        let payload = std::panic::catch_unwind(|| panic!("at {}", 5)).unwrap_err();
        let error = HandlerError::of_panic(&*payload);
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Panic, "panicked: at 5")
        );
    }
}
