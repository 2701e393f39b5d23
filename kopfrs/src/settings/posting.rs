//! What is told of objects in Kubernetes Events, for those who look with `kubectl describe`.

use std::time::Duration;

/// What is told of objects in Kubernetes Events (`kubectl describe` shows them below the object).
///
/// They are written by a task of its own, a few at a time and never in the way of handlers: what is too
/// much is left out, and so is everything if the operator may not write events. The rule that it needs:
/// `create` and `patch` on `events` of the group `events.k8s.io`; where only those of the core group are granted, they
/// are written there.
///
/// # Examples
/// ```
/// use kopfrs::settings::{PostingLevel, Settings};
///
/// let mut settings = Settings::default();
/// settings.posting.level = PostingLevel::Error; // only what has failed for good
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PostingSettings {
    /// Whether events are written at all. Yes.
    pub enabled: bool,
    /// From which level on. Warnings: failed attempts, but no successes.
    pub level: PostingLevel,
    /// Whether what handlers log is written as well, from that level on. No. Programs with a subscriber
    /// of their own add [`events::layer`](crate::events::layer) to it.
    pub loggers: bool,
    /// Who says so: `From` in `kubectl describe`. `kopfrs`.
    pub reporting_component: String,
    /// Which of several replicas says so. The name of the host, which is that of the pod.
    pub reporting_instance: String,
    /// How many different events may wait for being written. 1000.
    pub queue_limit: usize,
    /// What happens to an object again and again is counted in one event, which is written no more
    /// often than this. 10 s.
    pub repeat_interval: Duration,
    /// How long the last events may take when the operator stops. 2 s.
    pub drain_budget: Duration,
}

/// How much an event has to matter for being written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PostingLevel {
    /// Also that handlers have succeeded: one or two more requests for each change of an object.
    Info,
    /// Failed attempts, be they tried again or not.
    #[default]
    Warning,
    /// Only what has failed for good.
    Error,
}

impl Default for PostingSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            level: PostingLevel::default(),
            loggers: false,
            reporting_component: "kopfrs".to_owned(),
            reporting_instance: std::env::var("HOSTNAME").unwrap_or_default(),
            queue_limit: 1000,
            repeat_interval: Duration::from_secs(10),
            drain_budget: Duration::from_secs(2),
        }
    }
}
