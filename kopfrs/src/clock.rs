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
