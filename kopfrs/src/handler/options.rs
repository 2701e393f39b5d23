//! What to do with errors.

use std::time::Duration;

/// What an error means that says nothing of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorsMode {
    /// Try again after the backoff.
    Temporary,
    /// Never try again: the handler has failed.
    Permanent,
    /// Log it, and take the handler for succeeded.
    Ignored,
}

/// How a handler is retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// What arbitrary errors mean; `None` for the family's default.
    pub errors: Option<ErrorsMode>,
    /// No attempt begins later than this after the beginning of the first one.
    pub timeout: Option<Duration>,
    /// How many attempts there may be in total.
    pub retries: Option<u32>,
    /// The delay after an arbitrary error; `None` for the setting.
    pub backoff: Option<Duration>,
}
