//! When an object is to be looked at again.

use std::time::Duration;

/// When a reconcile handler wants to be called again for an object to which nothing happens.
///
/// Whatever it is, the handler is called when the object changes, when a related one does, and when it is
/// time to look at everything (`resync`). What it returns replaces what it has returned before.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use kopfrs::reconcile::Action;
///
/// fn after(ready: bool) -> Action {
///     if ready { Action::Done } else { Action::requeue(Duration::from_secs(2)) }
/// }
/// assert_eq!(after(false), Action::Requeue(Duration::from_secs(2)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// When something happens.
    #[default]
    Done,
    /// Also after this time.
    Requeue(Duration),
    /// Also after this time, whether or not the operator is restarted meanwhile: when that is is kept on the
    /// object. After a restart the object is looked at at once, as all objects are, and at that time again.
    RequeuePersisted(Duration),
}

impl Action {
    /// Looks again after a time.
    pub fn requeue(after: Duration) -> Self {
        Self::Requeue(after)
    }

    /// Looks again after a time, whether or not the operator is restarted meanwhile.
    pub fn requeue_persisted(after: Duration) -> Self {
        Self::RequeuePersisted(after)
    }

    /// After which time.
    pub fn delay(self) -> Option<Duration> {
        match self {
            Self::Done => None,
            Self::Requeue(after) | Self::RequeuePersisted(after) => Some(after),
        }
    }
}
