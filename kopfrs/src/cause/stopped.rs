//! The flag that tells daemons and timers to end: set by the framework, seen by functions.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Why a daemon or a timer is to end: one or several of the constants.
///
/// # Examples
/// ```
/// use kopfrs::cause::DaemonStoppingReason;
///
/// let reason = DaemonStoppingReason::RESOURCE_DELETED | DaemonStoppingReason::DAEMON_SIGNALLED;
/// assert!(reason.contains(DaemonStoppingReason::RESOURCE_DELETED));
/// assert!(!reason.contains(DaemonStoppingReason::OPERATOR_EXITING));
/// assert_eq!(reason.to_string(), "RESOURCE_DELETED|DAEMON_SIGNALLED");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DaemonStoppingReason(u8);

/// All reasons, in the order of their bits.
const NAMES: [&str; 8] = [
    "DONE",
    "FILTERS_MISMATCH",
    "RESOURCE_DELETED",
    "OPERATOR_PAUSING",
    "OPERATOR_EXITING",
    "DAEMON_SIGNALLED",
    "DAEMON_CANCELLED",
    "DAEMON_ABANDONED",
];

impl DaemonStoppingReason {
    /// It has ended, for whatever reason.
    pub const DONE: Self = Self(1);
    /// The object does not match the filters any more.
    pub const FILTERS_MISMATCH: Self = Self(1 << 1);
    /// The object is being deleted, or is gone.
    pub const RESOURCE_DELETED: Self = Self(1 << 2);
    /// The operator pauses; it will go on.
    pub const OPERATOR_PAUSING: Self = Self(1 << 3);
    /// The operator ends.
    pub const OPERATOR_EXITING: Self = Self(1 << 4);
    /// It did not end at once, and has `cancellation_backoff` to do so.
    pub const DAEMON_SIGNALLED: Self = Self(1 << 5);
    /// It was cancelled. Functions on a thread of their own go on, and have `cancellation_timeout` to end.
    pub const DAEMON_CANCELLED: Self = Self(1 << 6);
    /// Nobody waits for it any more.
    pub const DAEMON_ABANDONED: Self = Self(1 << 7);

    /// Whether all of these are among the reasons.
    pub fn contains(self, reasons: Self) -> bool {
        self.0 & reasons.0 == reasons.0
    }

    /// Whether there is no reason: it need not end.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the reasons, as Kopf names them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let is_there = move |bit: &usize| self.0 & (1 << bit) != 0;
        (0..NAMES.len()).filter(is_there).map(|bit| NAMES[bit])
    }
}

impl BitOr for DaemonStoppingReason {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for DaemonStoppingReason {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Display for DaemonStoppingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        f.write_str(&names.join("|"))
    }
}

/// Sets the flag that a [`Stopped`] sees. The framework has one for each daemon; unit tests of daemons
/// make their own.
///
/// # Examples
/// ```
/// use kopfrs::prelude::*;
///
/// #[on::daemon("things")]
/// fn count(stopped: Stopped) -> u32 {
///     let mut rounds = 0;
///     while !stopped.wait(Duration::from_millis(1)) {
///         rounds += 1;
///     }
///     rounds
/// }
///
/// let stopper = Stopper::new();
/// stopper.set(DaemonStoppingReason::RESOURCE_DELETED);
/// assert_eq!(count(stopper.stopped()), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stopper(Arc<Flag>);

/// Whether a daemon or a timer is to end, and why.
///
/// Cheap to clone, so it can be given to whatever the function starts itself.
///
/// # Examples
/// ```
/// use kopfrs::prelude::*;
///
/// #[on::daemon("things")]
/// async fn watch(stopped: Stopped) {
///     while !stopped.wait_async(Duration::from_secs(10)).await {
///         info!("still there");
///     }
///     info!("ending: {}", stopped.reason());
/// }
/// # let stopper = Stopper::new();
/// # stopper.set(DaemonStoppingReason::OPERATOR_EXITING);
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(watch(stopper.stopped()));
/// ```
#[derive(Clone, Debug)]
pub struct Stopped(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    reason: Mutex<DaemonStoppingReason>,
    /// Wakes threads.
    changed: Condvar,
    /// Wakes tasks.
    token: CancellationToken,
}

impl Flag {
    fn reason(&self) -> MutexGuard<'_, DaemonStoppingReason> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stopper {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag, or adds a reason to it.
    pub fn set(&self, reason: DaemonStoppingReason) {
        *self.0.reason() |= reason;
        self.0.changed.notify_all();
        self.0.token.cancel();
    }

    /// What functions see of the flag.
    pub fn stopped(&self) -> Stopped {
        Stopped(self.0.clone())
    }

    pub(crate) fn reason(&self) -> DaemonStoppingReason {
        *self.0.reason()
    }
}

impl Stopped {
    /// Whether it is to end.
    pub fn is_set(&self) -> bool {
        self.0.token.is_cancelled()
    }

    /// Why it is to end; empty if it is not.
    pub fn reason(&self) -> DaemonStoppingReason {
        *self.0.reason()
    }

    /// Sleeps, and is woken at once when it is to end; gives whether it is.
    ///
    /// It blocks its thread: in async functions write [`wait_async`](Self::wait_async).
    pub fn wait(&self, duration: Duration) -> bool {
        let begun = Instant::now();
        let mut reason = self.0.reason();
        while reason.is_empty() {
            let Some(rest) = duration
                .checked_sub(begun.elapsed())
                .filter(|rest| !rest.is_zero())
            else {
                return false;
            };
            let waited = self.0.changed.wait_timeout(reason, rest);
            reason = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Sleeps without blocking a thread, and is woken at once when it is to end; gives whether it is.
    pub async fn wait_async(&self, duration: Duration) -> bool {
        let set = self.0.token.cancelled();
        tokio::time::timeout(duration, set).await.is_ok()
    }

    /// Waits until it is to end, without blocking a thread.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::prelude::*;
    ///
    /// # async fn serve() {}
    /// #[on::daemon("things")]
    /// async fn run(stopped: Stopped) {
    ///     tokio::select! {
    ///         () = serve() => {}
    ///         () = stopped.until_set() => {}
    ///     }
    /// }
    /// ```
    pub async fn until_set(&self) {
        self.0.token.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_wait_are_woken_at_once() {
        let stopper = Stopper::new();
        let stopped = stopper.stopped();
        assert!(!stopped.wait(Duration::from_millis(1)));
        let waiting = std::thread::spawn(move || stopped.wait(Duration::from_secs(3600)));
        stopper.set(DaemonStoppingReason::RESOURCE_DELETED);
        assert!(waiting.join().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_wait_are_woken_at_once_and_reasons_add_up() {
        let stopper = Stopper::new();
        let stopped = stopper.stopped();
        assert!(!stopped.wait_async(Duration::from_secs(5)).await);
        assert!(!stopped.is_set() && stopped.reason().is_empty());
        let began = tokio::time::Instant::now();
        let waiting =
            tokio::spawn(async move { stopped.wait_async(Duration::from_secs(60)).await });
        stopper.set(DaemonStoppingReason::FILTERS_MISMATCH);
        assert!(waiting.await.unwrap() && began.elapsed().is_zero());
        stopper.set(DaemonStoppingReason::DONE);
        assert_eq!(stopper.reason().to_string(), "DONE|FILTERS_MISMATCH");
        stopper.stopped().until_set().await;
    }
}
