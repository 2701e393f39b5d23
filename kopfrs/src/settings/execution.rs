//! How handlers are run.

use std::str::FromStr;
use std::time::Duration;

/// How handlers are run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExecutionSettings {
    /// The delay after an arbitrary error, for handlers without `backoff`. 60 s.
    pub default_backoff: Duration,
    /// Progress is saved when a handler still runs this long after an earlier one of the same cycle
    /// has finished. 1 s.
    pub checkpoint_after: Duration,
    /// How many functions that block their thread (`fn`, not `async fn`) may run at once, of all handlers together. The
    /// others wait. 480, unless set: the pool of the runtime has some more.
    pub max_workers: Option<usize>,
    /// Which of an object's handlers that are ready run in one cycle. All at once.
    pub lifecycle: Lifecycle,
    /// What `randomized` and `shuffled` draw from: with the same seed the same choices are made for
    /// the same objects. By default they differ each time.
    pub lifecycle_seed: Option<u64>,
}

/// Which of an object's handlers run in one cycle, of those whose turn it is. The others run in the
/// cycles that follow at once. What has been done is written down after each cycle, and the next
/// handlers see the object as it is then: more requests, but smaller steps.
///
/// Handlers of one object never run side by side.
///
/// # Examples
/// ```
/// use kopfrs::settings::{Lifecycle, Settings};
///
/// let mut settings = Settings::default();
/// settings.execution.lifecycle = Lifecycle::Asap;
/// assert_eq!("one_by_one".parse(), Ok(Lifecycle::OneByOne));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifecycle {
    /// All of them, in the order of their declaration.
    #[default]
    AllAtOnce,
    /// One: that with the fewest attempts so far, so that one that fails does not hold up others.
    Asap,
    /// One: the first that is unfinished.
    OneByOne,
    /// One, at random.
    Randomized,
    /// All of them, in random order.
    Shuffled,
}

/// The text names no lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lifecycle is all_at_once, asap, one_by_one, randomized or shuffled")]
#[non_exhaustive]
pub struct LifecycleError;

impl FromStr for Lifecycle {
    type Err = LifecycleError;

    fn from_str(text: &str) -> Result<Self, LifecycleError> {
        match text {
            "all_at_once" => Ok(Self::AllAtOnce),
            "asap" => Ok(Self::Asap),
            "one_by_one" => Ok(Self::OneByOne),
            "randomized" => Ok(Self::Randomized),
            "shuffled" => Ok(Self::Shuffled),
            _ => Err(LifecycleError),
        }
    }
}

impl Default for ExecutionSettings {
    fn default() -> Self {
        Self {
            default_backoff: Duration::from_secs(60),
            checkpoint_after: Duration::from_secs(1),
            max_workers: None,
            lifecycle: Lifecycle::default(),
            lifecycle_seed: None,
        }
    }
}
