//! Settings from variables of the environment: one variable for each.

mod values;

use self::values::{
    count, dns_name, duration, durations, filled, keep, level, limit, patience, persistence, place,
    qualified, switch,
};
use super::Settings;

/// A variable of the environment does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("the environment says {variable}={value:?}, which is not {expected}")]
pub struct SettingsError {
    /// The variable.
    pub variable: &'static str,
    /// What it says.
    pub value: String,
    /// What it may say.
    pub expected: &'static str,
}

/// A variable of the environment that sets something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    pub(crate) expected: &'static str,
    set: fn(&mut Settings, &str) -> Option<()>,
}

const DURATION: &str = "a duration such as 10s, 1m30s, 500ms, or a number of seconds";
const PATIENCE: &str = "a duration such as 10s, 5m, or never";
const LIMIT: &str = "a whole number from 1 on, or none";
const DURATIONS: &str = "a list of durations such as 1s,2s,5s";
const COUNT: &str = "a whole number from 1 on";
const NUMBER: &str = "a whole number";
const INTEGER: &str = "a whole number, which may be negative";
const DNS_NAME: &str = "a name such as demo or demo.example.com";
const SWITCH: &str = "true or false";
const TEXT: &str = "a text that is not empty";
const PREFIX: &str = "a DNS name such as demo.example.com, or kopf";
const FINALIZER: &str = "a name such as demo.example.com/finalizer";

/// One setting a row.
macro_rules! variables {
    ($($name:literal, $expected:expr, |$settings:ident, $text:ident| $value:expr => $place:expr;)*) => {
        &[$(Variable {
            name: $name,
            expected: $expected,
            set: |$settings, $text| {
                $place = $value;
                Some(())
            },
        }),*]
    };
}

/// All variables, those first that later ones refine.
pub(crate) const VARIABLES: &[Variable] = variables! {
    "KOPFRS_PERSISTENCE_PREFIX", PREFIX, |s, t| persistence(t)? => s.persistence.default;
    "KOPFRS_PERSISTENCE_FINALIZER", FINALIZER,
        |s, t| s.persistence.default.clone().with_finalizer(qualified(t)?) => s.persistence.default;
    "KOPFRS_PERSISTENCE_PLACE", "annotations, status or kopf",
        |s, t| s.persistence.default.clone().with_place(place(t)?) => s.persistence.default;
    "KOPFRS_PERSISTENCE_KEEP", "essence or digest",
        |s, t| s.persistence.default.clone().with_keep(keep(t)?) => s.persistence.default;
    "KOPFRS_EXECUTION_DEFAULT_BACKOFF", DURATION, |s, t| duration(t)? => s.execution.default_backoff;
    "KOPFRS_EXECUTION_CHECKPOINT_AFTER", DURATION, |s, t| duration(t)? => s.execution.checkpoint_after;
    "KOPFRS_EXECUTION_LIFECYCLE", "all_at_once, asap, one_by_one, randomized or shuffled",
        |s, t| t.parse().ok()? => s.execution.lifecycle;
    "KOPFRS_EXECUTION_LIFECYCLE_SEED", NUMBER, |s, t| Some(t.parse().ok()?) => s.execution.lifecycle_seed;
    "KOPFRS_EXECUTION_MAX_WORKERS", LIMIT, |s, t| limit(t)? => s.execution.max_workers;
    "KOPFRS_QUEUEING_WORKER_LIMIT", LIMIT, |s, t| limit(t)? => s.queueing.worker_limit;
    "KOPFRS_QUEUEING_ERROR_DELAYS", DURATIONS, |s, t| durations(t)? => s.queueing.error_delays;
    "KOPFRS_INDEXING_PATIENCE", PATIENCE, |s, t| patience(t)? => s.indexing.patience;
    "KOPFRS_WATCHING_PAGE_SIZE", COUNT, |s, t| u32::try_from(count(t)?).ok()? => s.watching.page_size;
    "KOPFRS_WATCHING_INACTIVITY_TIMEOUT", DURATION, |s, t| duration(t)? => s.watching.inactivity_timeout;
    "KOPFRS_WATCHING_SERVER_TIMEOUT", DURATION, |s, t| duration(t)? => s.watching.server_timeout;
    "KOPFRS_WATCHING_BACKOFF", DURATION, |s, t| duration(t)? => s.watching.backoff;
    "KOPFRS_WATCHING_MAX_BACKOFF", DURATION, |s, t| duration(t)? => s.watching.max_backoff;
    "KOPFRS_SCANNING_DISABLED", SWITCH, |s, t| switch(t)? => s.scanning.disabled;
    "KOPFRS_SCANNING_POLL_INTERVAL", DURATION, |s, t| duration(t)? => s.scanning.poll_interval;
    "KOPFRS_NETWORKING_REQUESTS_IN_FLIGHT", COUNT, |s, t| count(t)? => s.networking.requests_in_flight;
    "KOPFRS_NETWORKING_REQUEST_TIMEOUT", DURATION, |s, t| duration(t)? => s.networking.request_timeout;
    "KOPFRS_NETWORKING_CONNECT_TIMEOUT", DURATION, |s, t| duration(t)? => s.networking.connect_timeout;
    "KOPFRS_NETWORKING_HTTP2", SWITCH, |s, t| switch(t)? => s.networking.http2;
    "KOPFRS_NETWORKING_ERROR_BACKOFFS", DURATIONS, |s, t| durations(t)? => s.networking.error_backoffs;
    "KOPFRS_POSTING_ENABLED", SWITCH, |s, t| switch(t)? => s.posting.enabled;
    "KOPFRS_POSTING_LEVEL", "info, warning or error", |s, t| level(t)? => s.posting.level;
    "KOPFRS_POSTING_LOGGERS", SWITCH, |s, t| switch(t)? => s.posting.loggers;
    "KOPFRS_POSTING_REPORTING_COMPONENT", TEXT, |s, t| filled(t)? => s.posting.reporting_component;
    "KOPFRS_POSTING_REPORTING_INSTANCE", TEXT, |s, t| filled(t)? => s.posting.reporting_instance;
    "KOPFRS_POSTING_QUEUE_LIMIT", COUNT, |s, t| count(t)? => s.posting.queue_limit;
    "KOPFRS_POSTING_REPEAT_INTERVAL", DURATION, |s, t| duration(t)? => s.posting.repeat_interval;
    "KOPFRS_POSTING_DRAIN_BUDGET", DURATION, |s, t| duration(t)? => s.posting.drain_budget;
    "KOPFRS_ADMISSION_MANAGED", TEXT, |s, t| Some(filled(t)?) => s.admission.managed;
    "KOPFRS_BACKGROUND_CANCELLATION_POLLING", DURATION, |s, t| duration(t)? => s.background.cancellation_polling;
    "KOPFRS_BACKGROUND_INSTANT_EXIT_TIMEOUT", DURATION,
        |s, t| Some(duration(t)?) => s.background.instant_exit_timeout;
    "KOPFRS_LEADER_ELECTION_ENABLED", SWITCH, |s, t| switch(t)? => s.leader_election.enabled;
    "KOPFRS_LEADER_ELECTION_LEASE_NAME", DNS_NAME, |s, t| Some(dns_name(t)?) => s.leader_election.lease_name;
    "KOPFRS_LEADER_ELECTION_NAMESPACE", DNS_NAME, |s, t| Some(dns_name(t)?) => s.leader_election.namespace;
    "KOPFRS_LEADER_ELECTION_LEASE_DURATION", DURATION, |s, t| duration(t)? => s.leader_election.lease_duration;
    "KOPFRS_LEADER_ELECTION_RENEW_DEADLINE", DURATION, |s, t| duration(t)? => s.leader_election.renew_deadline;
    "KOPFRS_LEADER_ELECTION_RETRY_PERIOD", DURATION, |s, t| duration(t)? => s.leader_election.retry_period;
    "KOPFRS_LEADER_ELECTION_IDENTITY", TEXT, |s, t| Some(filled(t)?) => s.leader_election.identity;
    "KOPFRS_PEERING_NAME", DNS_NAME, |s, t| dns_name(t)? => s.peering.name;
    "KOPFRS_PEERING_PRIORITY", INTEGER, |s, t| t.parse().ok()? => s.peering.priority;
    "KOPFRS_PEERING_LIFETIME", DURATION, |s, t| duration(t)? => s.peering.lifetime;
    "KOPFRS_PEERING_MANDATORY", SWITCH, |s, t| switch(t)? => s.peering.mandatory;
    "KOPFRS_PEERING_STANDALONE", SWITCH, |s, t| switch(t)? => s.peering.standalone;
    "KOPFRS_PEERING_STEALTH", SWITCH, |s, t| switch(t)? => s.peering.stealth;
    "KOPFRS_PEERING_CLUSTERWIDE", SWITCH, |s, t| Some(switch(t)?) => s.peering.clusterwide;
    "KOPFRS_HEALTH_WATCH_BUDGET", DURATION, |s, t| duration(t)? => s.health.watch_budget;
    "KOPFRS_HEALTH_QUEUE_BUDGET", DURATION, |s, t| duration(t)? => s.health.queue_budget;
    "KOPFRS_HEALTH_LEASE_BUDGET", DURATION, |s, t| duration(t)? => s.health.lease_budget;
    "KOPFRS_HEALTH_PROBE_TIMEOUT", DURATION, |s, t| duration(t)? => s.health.probe_timeout;
    "KOPFRS_HEALTH_PROBE_MAX_AGE", DURATION, |s, t| duration(t)? => s.health.probe_max_age;
    "KOPFRS_PROCESS_DRAIN_BUDGET", DURATION, |s, t| duration(t)? => s.process.drain_budget;
    "KOPFRS_PROCESS_CLEANUP_BUDGET", DURATION, |s, t| duration(t)? => s.process.cleanup_budget;
    "KOPFRS_PROCESS_ULTIMATE_EXITING_TIMEOUT", PATIENCE,
        |s, t| patience(t)? => s.process.ultimate_exiting_timeout;
};

/// Flags of the command line that look like settings.
#[cfg(feature = "cli")]
const FLAGS: &[&str] = &["KOPFRS_LEADER_ELECT"];

/// Those of some variables that look like settings, but are none: misspelt, most likely.
#[cfg(feature = "cli")]
pub(crate) fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
    let section = |name: &str| name.split('_').nth(1).map(str::to_owned);
    let is_unknown = |name: &String| {
        name.starts_with("KOPFRS_")
            && name.splitn(3, '_').count() == 3
            && VARIABLES.iter().all(|variable| variable.name != name)
            && !FLAGS.contains(&&**name)
            && VARIABLES
                .iter()
                .any(|variable| section(variable.name) == section(name))
    };
    names.filter(is_unknown).collect()
}

impl Settings {
    /// Sets what the environment says: `KOPFRS_<SECTION>_<SETTING>`, as in
    /// `KOPFRS_EXECUTION_DEFAULT_BACKOFF=10s`. A variable that is empty says nothing.
    ///
    /// The command line does so before the startup handlers, which have the last word; other programs
    /// do it where they want it.
    ///
    /// Durations are `10s`, `1m30s`, `500ms`, or numbers of seconds; lists have commas in between.
    /// `KOPFRS_PERSISTENCE_PREFIX` (`kopf` for Kopf's own memory), `_FINALIZER`, `_PLACE` and `_KEEP`
    /// set what counts for kinds that have nothing of their own.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::settings::Settings;
    ///
    /// let says = |variable: &str| (variable == "KOPFRS_WATCHING_BACKOFF").then(|| "1m30s".to_owned());
    /// let settings = Settings::default().overridden_by(says)?;
    /// assert_eq!(settings.watching.backoff.as_secs(), 90);
    ///
    /// let wrong = |variable: &str| (variable == "KOPFRS_POSTING_ENABLED").then(|| "maybe".to_owned());
    /// let error = Settings::default().overridden_by(wrong).unwrap_err().to_string();
    /// assert_eq!(error, "the environment says KOPFRS_POSTING_ENABLED=\"maybe\", which is not true or false");
    /// # Ok::<(), kopfrs::settings::SettingsError>(())
    /// ```
    ///
    /// # Errors
    /// The first variable that does not say what it should.
    pub fn overridden_by(
        mut self,
        says: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        for variable in VARIABLES {
            let Some(value) = says(variable.name).filter(|value| !value.is_empty()) else {
                continue;
            };
            (variable.set)(&mut self, value.trim()).ok_or(SettingsError {
                variable: variable.name,
                value,
                expected: variable.expected,
            })?;
        }
        Ok(self)
    }

    /// Sets what the environment of the process says.
    ///
    /// # Errors
    /// As [`overridden_by`](Self::overridden_by).
    ///
    /// # Examples
    /// ```
    /// use kopfrs::settings::Settings;
    ///
    /// let settings = Settings::default().overridden_by_environment()?;
    /// # Ok::<(), kopfrs::settings::SettingsError>(())
    /// ```
    pub fn overridden_by_environment(self) -> Result<Self, SettingsError> {
        self.overridden_by(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "cli")]
    #[test]
    fn misspelt_settings_are_noticed_and_nothing_else() {
        let names = [
            "KOPFRS_EXECUTION_BACKOFF",
            "KOPFRS_EXECUTION_DEFAULT_BACKOFF",
            "KOPFRS_LOG_FORMAT",
            "KOPFRS_LEADER_ELECT",
            "KOPFRS_POSTING",
            "PATH",
        ];
        let unknown = unknown(names.into_iter().map(str::to_owned));
        assert_eq!(unknown, ["KOPFRS_EXECUTION_BACKOFF"]);
    }

    /// A value that each variable takes, and that is not the default.
    fn sample(variable: &Variable) -> &'static str {
        match variable.expected {
            DURATION | PATIENCE => "1234ms",
            DURATIONS => "1s,2s",
            COUNT | NUMBER | INTEGER | LIMIT => "7",
            SWITCH
                if variable.name.ends_with("POSTING_ENABLED")
                    || variable.name.ends_with("HTTP2") =>
            {
                "off"
            }
            SWITCH => "on",
            PREFIX => "own.example.com",
            FINALIZER => "own.example.com/done",
            DNS_NAME | TEXT => "somebody",
            choices if choices.contains("status") => "status",
            choices if choices.contains("digest") => "digest",
            choices if choices.contains("asap") => "asap",
            _ => "error",
        }
    }

    #[test]
    fn each_variable_sets_something_and_refuses_nonsense() {
        for variable in VARIABLES {
            let only = |value: &'static str| {
                Settings::default()
                    .overridden_by(|name| (name == variable.name).then(|| value.to_owned()))
            };
            let set = only(sample(variable)).unwrap();
            assert_ne!(set, Settings::default(), "{}", variable.name);
            assert_eq!(only("").unwrap(), Settings::default(), "{}", variable.name);
            if variable.expected != TEXT {
                let error = only("no/such thing").unwrap_err();
                assert_eq!(error.variable, variable.name);
                assert!(error.to_string().contains(variable.expected), "{error}");
            }
        }
    }

    #[test]
    fn the_guide_tells_of_each_variable() {
        let guide = include_str!("../../../docs/settings.md");
        for Variable { name, .. } in VARIABLES {
            assert!(
                guide.contains(&format!("`{name}`")),
                "{name} is not in docs/settings.md"
            );
        }
    }
}
