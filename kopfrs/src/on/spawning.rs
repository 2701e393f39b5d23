//! `on::daemon`, `on::timer`.

use std::sync::Arc;
use std::time::Duration;

use super::builder::{Builder, Filtered, Kind, ObjectKind, Retried};
use crate::cause::SpawningCause;
use crate::handler::{Cancellation, Course, Delay, Schedule, SpawningRule, returns};
use crate::resource::Selector;

/// One kind a row: its type, its functions, and its rule.
macro_rules! spawned {
    ($($(#[$doc:meta])* $kind:ident $function:ident $function_of:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}

        impl Kind for $kind {
            type Cause = SpawningCause;
            type Returns = returns::Stored;
        }

        impl Retried for $kind {}
        impl Filtered for $kind {}

        $(#[$doc])*
        #[track_caller]
        pub fn $function<K: ObjectKind>() -> Builder<$kind> {
            $function_of(Selector::of::<K>())
        }

        /// The same for kinds that are named, not typed.
        #[track_caller]
        pub fn $function_of(selector: Selector) -> Builder<$kind> {
            Builder::begin(Some(selector), SpawningRule::$function())
        }
    )*};
}

spawned! {
    /// Goes along with an object for as long as it is there: called once, and told when to end.
    Daemon daemon daemon_of;
    /// Called for an object again and again.
    Timer timer timer_of;
}

impl<K: Kind<Cause = SpawningCause>> Builder<K> {
    /// How long to wait before the first call: a duration, or a function of the cause.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::cause::SpawningCause;
    /// use kopfrs::on;
    ///
    /// let handler = on::timer::<Pod>()
    ///     .interval(Duration::from_secs(60))
    ///     .initial_delay(|cause: &SpawningCause| Duration::from_secs(cause.body.name().len() as u64))
    ///     .id("tick")
    ///     .run(async || {});
    /// assert!(handler.rule.initial_delay.is_some());
    /// ```
    pub fn initial_delay<M>(mut self, delay: impl IntoDelay<M>) -> Self {
        self.rule.initial_delay = Some(delay.into_delay());
        self
    }

    /// Whether deletion waits until it has ended, so that objects need our finalizer: yes, unless this says
    /// otherwise. Then it is told to end when the object is gone, which it may have been for a while.
    pub fn finalizer(mut self, is_required: bool) -> Self {
        self.rule.requires_finalizer = is_required;
        self
    }
}

impl Builder<Daemon> {
    fn with_cancellation(mut self, change: impl FnOnce(&mut Cancellation)) -> Self {
        let mut cancellation = self.rule.cancellation();
        change(&mut cancellation);
        self.rule.course = Course::Daemon(cancellation);
        self
    }

    /// How long it may take to end by itself when it is told to, before it is cancelled.
    pub fn cancellation_backoff(self, backoff: Duration) -> Self {
        self.with_cancellation(|cancellation| cancellation.backoff = Some(backoff))
    }

    /// Cancels it when it does not end by itself; if it does not end within this time after that, nobody
    /// waits for it any longer. Without it, its object is not deleted before it has ended.
    pub fn cancellation_timeout(self, timeout: Duration) -> Self {
        self.with_cancellation(|cancellation| cancellation.timeout = Some(timeout))
    }

    /// How often it is told that it is still being waited for, without `cancellation_timeout`; by default as
    /// in the settings, and so if it is zero. Its end is noticed at once.
    pub fn cancellation_polling(self, polling: Duration) -> Self {
        let polling = (!polling.is_zero()).then_some(polling);
        self.with_cancellation(|cancellation| cancellation.polling = polling)
    }
}

impl Builder<Timer> {
    fn with_schedule(mut self, change: impl FnOnce(&mut Schedule)) -> Self {
        let mut schedule = match self.rule.course {
            Course::Timer(schedule) => schedule,
            Course::Daemon(_) => Schedule::default(),
        };
        change(&mut schedule);
        self.rule.course = Course::Timer(schedule);
        self
    }

    /// The time from the end of a call to the next one; zero is none.
    pub fn interval(self, interval: Duration) -> Self {
        let interval = (!interval.is_zero()).then_some(interval);
        self.with_schedule(|schedule| schedule.interval = interval)
    }

    /// Counts the interval from the beginning of a call. Calls that take longer than that skip one.
    pub fn sharp(self, is_sharp: bool) -> Self {
        self.with_schedule(|schedule| schedule.sharp = is_sharp)
    }

    /// Only when the object has not been changed for that long. Without `interval`, it is called once after
    /// each change.
    pub fn idle(self, idle: Duration) -> Self {
        self.with_schedule(|schedule| schedule.idle = Some(idle))
    }
}

/// A duration, or a function of the cause that tells one.
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an initial delay",
    label = "neither a duration nor a function that tells one",
    note = "write `\"10s\"` in attributes, a `Duration`, or a function `fn(&SpawningCause) -> Duration`"
)]
pub trait IntoDelay<M> {
    /// The delay.
    fn into_delay(self) -> Delay;
}

#[diagnostic::do_not_recommend]
impl IntoDelay<Duration> for Duration {
    fn into_delay(self) -> Delay {
        Delay::Fixed(self)
    }
}

#[diagnostic::do_not_recommend]
impl IntoDelay<Delay> for Delay {
    fn into_delay(self) -> Delay {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<F> IntoDelay<SpawningCause> for F
where
    F: Fn(&SpawningCause) -> Duration + Send + Sync + 'static,
{
    fn into_delay(self) -> Delay {
        Delay::Asked(Arc::new(self))
    }
}
