//! Wall-clock time that follows tokio's clock, so that tests with paused time see time move as the
//! engine's sleeps do. Every module that needs "now" asks a [`Clock`]; none asks the system.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::time::{Duration, Instant};

/// Tells the time: the wall clock at its creation plus what tokio's clock has counted since.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Timestamp,
    since: Instant,
}

impl Clock {
    /// Starts a clock at the present wall-clock time.
    pub fn start() -> Self {
        Self {
            base: Timestamp::now(),
            since: Instant::now(),
        }
    }

    /// The present time (UTC).
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        self.base.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// How long until `due`; zero if it is in the past.
    pub fn until(&self, due: Timestamp) -> Duration {
        Duration::try_from(due.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}

/// A moment of which the age counts whatever the process or the machine has slept through.
///
/// Tokio's clock goes on while a process is frozen, but stands still while the machine sleeps; the time
/// since boot goes on then, too. Whichever says more counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    at: Instant,
    since_boot: Duration,
}

impl Moment {
    /// The present.
    pub(crate) fn now() -> Self {
        Self {
            at: Instant::now(),
            since_boot: since_boot(),
        }
    }

    /// How long ago it was.
    pub(crate) fn age(&self) -> Duration {
        let slept = since_boot().saturating_sub(self.since_boot);
        self.at.elapsed().max(slept)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Elsewhere the clock of the process is all there is.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Duration {
    Duration::ZERO
}

/// Time that passed from `start` to `now`; zero if the clocks disagree.
pub(crate) fn elapsed(start: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(start)).unwrap_or(Duration::ZERO)
}

/// `start` plus `delay`, saturating.
pub(crate) fn after(start: Timestamp, delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    start.saturating_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn moments_age_with_the_paused_time_of_tokio() {
        let moment = Moment::now();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(moment.age() >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_moves_with_the_paused_time_of_tokio() {
        let clock = Clock::start();
        let start = clock.now();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(elapsed(start, clock.now()).as_secs(), 3600);
        assert_eq!(
            clock
                .until(after(start, Duration::from_secs(3660)))
                .as_secs(),
            60
        );
        assert_eq!(clock.until(start), Duration::ZERO);
    }
}
