//! Reads that are answered with the past.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{journal::Request, storage::Past};

/// What a stale read sees.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stale {
    Events(usize),
    Lag(Duration),
    Since(Instant),
    Revision(u64),
    /// What was there when the rule was injected; a revision from then on.
    Frozen,
}

/// Tells the newest revision of the server whose past can be read.
#[derive(Clone)]
pub(crate) struct History(Arc<dyn Fn() -> u64 + Send + Sync>);

impl History {
    pub(crate) fn new(newest: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(newest))
    }

    pub(super) fn newest(&self) -> u64 {
        (self.0)()
    }
}

impl Stale {
    /// For the store; `None` before the rule has been injected.
    pub(super) fn past(self) -> Option<Past> {
        Some(match self {
            Self::Events(events) => Past::Events(events),
            Self::Lag(lag) => {
                let now = Instant::now();
                // Before the clock began there was nothing.
                now.checked_sub(lag).map_or(Past::Revision(0), Past::At)
            }
            Self::Since(moment) => Past::At(moment),
            Self::Revision(revision) => Past::Revision(revision),
            Self::Frozen => return None,
        })
    }
}

/// Whether a request asks for objects.
pub(super) fn is_read(request: &Request) -> bool {
    !request.resource().is_empty() && matches!(request.verb(), "get" | "list" | "watch")
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events(events) => write!(f, "of {events} events ago"),
            Self::Lag(lag) => write!(f, "of {lag:?} ago"),
            Self::Since(_) => f.write_str("of a moment"),
            Self::Revision(revision) => write!(f, "of version {revision}"),
            Self::Frozen => f.write_str("of the injection"),
        }
    }
}
