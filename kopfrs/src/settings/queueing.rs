//! How objects are taken up.

use std::time::Duration;

/// How objects are taken up.
///
/// # Examples
/// ```
/// use kopfrs::settings::Settings;
///
/// let mut settings = Settings::default();
/// settings.queueing.worker_limit = Some(5); // what handlers call must not be flooded
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueingSettings {
    /// How many objects of one kind may be handled at once; the others wait, and those to which something has happened
    /// go before those that a listing has found. Objects that wait for their next attempt do not count. No limit.
    pub worker_limit: Option<usize>,
    /// The pauses after failures of the framework itself with an object, a patch that the API refuses, say. The last one
    /// counts for all further failures. 1, 2, 4, 8, 16, 32, 64 s.
    pub error_delays: Vec<Duration>,
}

impl QueueingSettings {
    /// The pause after so many failures before this one.
    pub(crate) fn error_delay(&self, failures: u32) -> Duration {
        let delays = self.error_delays.iter();
        let delay = delays.take(1 + failures as usize).next_back();
        // Without any pause a failure would be a hot loop.
        delay.copied().unwrap_or(Duration::from_secs(1))
    }
}

impl Default for QueueingSettings {
    fn default() -> Self {
        Self {
            worker_limit: None,
            error_delays: [1, 2, 4, 8, 16, 32, 64].map(Duration::from_secs).to_vec(),
        }
    }
}
