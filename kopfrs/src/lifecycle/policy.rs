//! How a lifecycle goes on by itself.

use std::time::Duration;

/// How a lifecycle goes on when nothing happens to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How long to wait before looking again at what is on its way.
    pub poll: Duration,
    /// How often to look at what is there; `None` is never.
    pub resync: Option<Duration>,
    /// What has been there once is not looked at any more until the object changes.
    pub is_once: bool,
    /// What has failed is left until the object changes.
    pub is_parked: bool,
    /// An object goes even if its thing could not be deleted.
    pub is_orphaned: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(30),
            resync: Some(Duration::from_secs(600)),
            is_once: false,
            is_parked: false,
            is_orphaned: false,
        }
    }
}
