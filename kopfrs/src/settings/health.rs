//! When the operator takes itself for ill.

use std::time::Duration;

/// When the operator takes itself for ill: what `/livez` and `/readyz` of the admin server go by.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use kopfrs::settings::Settings;
///
/// let mut settings = Settings::default();
/// settings.health.watch_budget = Duration::from_secs(60);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HealthSettings {
    /// A watch that does not work for longer makes `/livez` fail. 5 min.
    pub watch_budget: Duration,
    /// Objects that wait for longer, while none gets its turn, make `/livez` fail. 10 min.
    pub queue_budget: Duration,
    /// A lease that can be neither read nor written for longer makes `/livez` fail. 5 min.
    pub lease_budget: Duration,
    /// How long one probe may take. 5 s.
    pub probe_timeout: Duration,
    /// How long what probes have told is told again. 10 s.
    pub probe_max_age: Duration,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            watch_budget: Duration::from_secs(300),
            queue_budget: Duration::from_secs(600),
            lease_budget: Duration::from_secs(300),
            probe_timeout: Duration::from_secs(5),
            probe_max_age: Duration::from_secs(10),
        }
    }
}
