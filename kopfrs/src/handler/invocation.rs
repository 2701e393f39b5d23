//! One call of a handler: what it is called with, and what comes of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{Environment, Family, Memos, Param, Subhandlers};

/// Which attempt this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Counted from 0.
    pub retry: u32,
    /// When the first attempt began.
    pub started: Timestamp,
    /// How long ago that was.
    pub runtime: Duration,
}

impl Attempt {
    /// An attempt of this number, of a handling that began at that time.
    pub fn new(retry: u32, started: Timestamp, runtime: Duration) -> Self {
        Self {
            retry,
            started,
            runtime,
        }
    }
}

/// Everything a handler may ask for.
#[non_exhaustive]
pub struct Invocation<C: Family> {
    /// What has happened.
    pub cause: C,
    /// Which attempt this is.
    pub attempt: Attempt,
    /// The handler's id.
    pub handler: Arc<str>,
    /// What the handler was declared with as `param`.
    pub param: Option<Param>,
    /// Values kept for the object, or for the operator in activities.
    pub memos: Memos,
    /// What all handlers share.
    pub environment: Arc<Environment>,
    /// What the handler registers; handlers that cannot have sub-handlers have none.
    pub(crate) subhandlers: Option<Subhandlers>,
}

impl<C: Family> Invocation<C> {
    /// Puts a call together.
    pub(crate) fn new(
        cause: C,
        attempt: Attempt,
        (handler, param): (Arc<str>, Option<Param>),
        (memos, environment): (Memos, Arc<Environment>),
    ) -> Self {
        Self {
            cause,
            attempt,
            handler,
            param,
            memos,
            environment,
            subhandlers: None,
        }
    }

    /// The same call of a handler that may register sub-handlers.
    pub(crate) fn with_subhandlers(self, subhandlers: Option<Subhandlers>) -> Self {
        Self {
            subhandlers,
            ..self
        }
    }
}

impl<C: Family + fmt::Debug> fmt::Debug for Invocation<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("handler", &self.handler)
            .field("cause", &self.cause)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
