//! How daemons and timers are ended.

use std::time::Duration;

/// How daemons and timers are ended.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use kopfrs::settings::Settings;
///
/// let mut settings = Settings::default();
/// settings.background.instant_exit_timeout = Some(Duration::from_millis(50));
/// assert_eq!(settings.background.cancellation_polling.as_secs(), 60);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackgroundSettings {
    /// How often the log tells that a daemon is still being waited for that has no `cancellation_timeout`.
    /// Its end is noticed at once. 60 s.
    pub cancellation_polling: Duration,
    /// How long a daemon may take to end at once when it is told to, before it is signalled or cancelled.
    /// By default those have that chance which wait for nothing else.
    pub instant_exit_timeout: Option<Duration>,
}

impl Default for BackgroundSettings {
    fn default() -> Self {
        Self {
            cancellation_polling: Duration::from_secs(60),
            instant_exit_timeout: None,
        }
    }
}
