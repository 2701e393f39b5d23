//! Wall-clock time that follows tokio's clock, so that tests with paused time see time move as the
//! engine's sleeps do. Every module that needs "now" asks a [`Clock`]; none asks the system.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::time::{Duration, Instant};

/// Tells the time: the wall clock at its creation plus what tokio's clock has counted since; and what neither of the
/// clocks of a process knows of, when the machine has slept or its wall clock was set.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Timestamp,
    since: Instant,
    /// The same moment by the clock of the process, which goes on in tests with paused time.
    real: std::time::Instant,
}

/// How far the wall clock may be from ours before it is believed: it is adjusted a little all the time.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

impl Clock {
    /// Starts a clock at the present wall-clock time.
    pub fn start() -> Self {
        Self {
            base: Timestamp::now(),
            since: Instant::now(),
            real: std::time::Instant::now(),
        }
    }

    /// The present time (UTC).
    pub fn now(&self) -> Timestamp {
        let counted = signed(self.since.elapsed()).saturating_add(self.drift());
        self.base.saturating_add(counted).unwrap_or(Timestamp::MAX)
    }

    /// What the wall clock has gained on the clock of the process.
    fn drift(&self) -> SignedDuration {
        let by_wall = Timestamp::now().duration_since(self.base);
        let drift = by_wall.saturating_sub(signed(self.real.elapsed()));
        if drift.abs() > TOLERANCE {
            drift
        } else {
            SignedDuration::ZERO
        }
    }

    /// How long until `due`; zero if it is in the past.
    pub fn until(&self, due: Timestamp) -> Duration {
        Duration::try_from(due.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
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
    async fn the_clock_knows_that_the_machine_has_slept_or_was_set() {
        for hours in [1, -1] {
            let mut clock = Clock::start();
            // As if the wall clock had gone on, or back, since then, and no other one.
            clock.base -= SignedDuration::from_hours(hours);
            let off = Timestamp::now().duration_since(clock.now());
            assert!(off.abs() < SignedDuration::from_secs(1), "{off}");
            tokio::time::sleep(Duration::from_secs(60)).await;
            let ahead = clock.now().duration_since(Timestamp::now());
            assert!(ahead > SignedDuration::from_secs(59), "{ahead}");
        }
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
