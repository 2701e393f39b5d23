//! Daemons and timers: functions that go along with an object for as long as it is there.

use std::fmt;
use std::sync::Arc;

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{Live, Stopped, Stopper};
use crate::object::{Body, Patch};
use crate::resource::Resource;

/// An object is there that a daemon or a timer is for.
#[derive(Clone)]
#[non_exhaustive]
pub struct SpawningCause {
    /// The kind of the object.
    pub resource: Arc<Resource>,
    /// The object, as it was when the attempt began.
    pub body: Body,
    /// The object, as it is now.
    pub live: Live,
    /// Whether the function is to end.
    pub stopped: Stopped,
    /// Changes to be made to the object, sent when the attempt has ended.
    pub patch: Patch,
    /// Dropped by the function when it is over: threads cannot be cancelled, but waited for.
    #[expect(dead_code, reason = "it is only held")]
    presence: Option<TaskTrackerToken>,
}

impl SpawningCause {
    /// An object that nobody stops, and that does not change: for unit tests.
    pub fn new(resource: Arc<Resource>, body: Body) -> Self {
        let (live, stopped) = (Live::new(body.clone()), Stopper::new().stopped());
        Self {
            resource,
            body,
            live,
            stopped,
            patch: Patch::new(),
            presence: None,
        }
    }

    /// An attempt of a function that follows the object, and can be stopped.
    pub(crate) fn attempt(
        resource: Arc<Resource>,
        (live, stopped): (Live, Stopped),
        presence: TaskTrackerToken,
    ) -> Self {
        Self {
            resource,
            body: live.body(),
            live,
            stopped,
            patch: Patch::new(),
            presence: Some(presence),
        }
    }
}

impl fmt::Debug for SpawningCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawningCause")
            .field("resource", &self.resource)
            .field("body", &self.body)
            .field("stopped", &self.stopped.reason())
            .field("patch", &self.patch)
            .finish_non_exhaustive()
    }
}
