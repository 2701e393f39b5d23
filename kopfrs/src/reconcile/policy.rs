//! How often a reconcile handler is called.

use std::time::Duration;

/// How often a reconcile handler is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// For how many objects at once; `None` is for all.
    pub concurrency: Option<usize>,
    /// How often for an object to which nothing happens; `None` is never.
    pub resync: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            concurrency: None,
            resync: Some(Duration::from_secs(600)),
        }
    }
}
