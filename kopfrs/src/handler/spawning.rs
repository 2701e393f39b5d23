//! What is special to daemons and timers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cause::SpawningCause;

/// When a daemon or a timer is called, and how it is ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpawningRule {
    /// Once, or again and again.
    pub course: Course,
    /// How long to wait before the first call.
    pub initial_delay: Option<Delay>,
    /// Deletion waits for its end: the object needs our finalizer.
    pub requires_finalizer: bool,
}

/// How a function goes along with its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Course {
    /// `on::daemon`: called once, and runs for as long as it likes.
    Daemon(Cancellation),
    /// `on::timer`: called again and again.
    Timer(Schedule),
}

/// How a daemon is ended that does not end by itself when it is told to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancellation {
    /// How long it may take to end by itself.
    pub backoff: Option<Duration>,
    /// How long it may take to end after it was cancelled; without it, it is never cancelled for the sake of
    /// its object.
    pub timeout: Option<Duration>,
    /// How often it is told that it is still being waited for, if it is never cancelled; `None` for the setting.
    pub polling: Option<Duration>,
}

/// When a timer is called again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// The time between two calls.
    pub interval: Option<Duration>,
    /// The interval counts from the beginning of a call, not from its end.
    pub sharp: bool,
    /// Only when the object has not been changed for that long.
    pub idle: Option<Duration>,
}

/// How long to wait, or a function that tells.
#[derive(Clone)]
pub enum Delay {
    /// That long.
    Fixed(Duration),
    /// As long as the function says.
    Asked(Arc<dyn Fn(&SpawningCause) -> Duration + Send + Sync>),
}

impl SpawningRule {
    /// `on::daemon`.
    pub fn daemon() -> Self {
        Self::of(Course::Daemon(Cancellation::default()))
    }

    /// `on::timer`.
    pub fn timer() -> Self {
        Self::of(Course::Timer(Schedule::default()))
    }

    fn of(course: Course) -> Self {
        Self {
            course,
            initial_delay: None,
            requires_finalizer: true,
        }
    }

    /// How it is ended. Runs of timers are never cancelled for the sake of their objects: they end soon.
    pub(crate) fn cancellation(&self) -> Cancellation {
        match self.course {
            Course::Daemon(cancellation) => cancellation,
            Course::Timer(_) => Cancellation::default(),
        }
    }

    /// What the log calls it.
    pub(crate) fn role(&self) -> &'static str {
        match self.course {
            Course::Daemon(_) => "daemon",
            Course::Timer(_) => "timer",
        }
    }
}

impl fmt::Display for SpawningRule {
    /// The name of the attribute.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role())
    }
}

impl Delay {
    /// How long that is for an object.
    pub(crate) fn of(&self, cause: &SpawningCause) -> Duration {
        match self {
            Self::Fixed(duration) => *duration,
            Self::Asked(ask) => ask(cause),
        }
    }
}

impl fmt::Debug for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(duration) => duration.fmt(f),
            Self::Asked(_) => f.write_str("<function>"),
        }
    }
}

impl PartialEq for Delay {
    /// Functions are the same if they are one.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(one), Self::Fixed(other)) => one == other,
            (Self::Asked(one), Self::Asked(other)) => Arc::ptr_eq(one, other),
            (Self::Fixed(_), Self::Asked(_)) | (Self::Asked(_), Self::Fixed(_)) => false,
        }
    }
}
