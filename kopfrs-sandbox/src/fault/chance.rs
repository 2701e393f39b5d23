//! Chance that is the same in every run.

use std::time::Duration;

/// Numbers that a seed decides: SplitMix64, of which every seed is a good one.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A coin with a bias and a seed.
#[derive(Debug, Clone)]
pub(super) struct Chance {
    /// The part of all 64-bit numbers that strikes.
    threshold: u64,
    always: bool,
    random: Random,
}

impl Chance {
    pub(super) fn new(probability: f64, seed: u64) -> Self {
        // Through 53 bits, which a float holds exactly.
        const STEPS: f64 = 9_007_199_254_740_992.0;
        let clamped = probability.clamp(0.0, 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 2^53"
        )]
        let threshold = ((clamped * STEPS) as u64) << 11;
        Self {
            threshold,
            always: clamped >= 1.0,
            random: Random(seed),
        }
    }

    /// The next toss.
    pub(super) fn decide(&mut self) -> bool {
        let number = self.random.next();
        self.always || number < self.threshold
    }
}

/// How long requests wait: always the same, or as a seed decides.
#[derive(Debug, Clone)]
pub(super) struct Latency {
    least: Duration,
    most: Duration,
    random: Random,
}

impl Latency {
    pub(super) fn fixed(duration: Duration) -> Self {
        Self::between(duration, duration, 0)
    }

    pub(super) fn between(one: Duration, other: Duration, seed: u64) -> Self {
        Self {
            least: one.min(other),
            most: one.max(other),
            random: Random(seed),
        }
    }

    /// How long the next one waits: in whole microseconds, both ends included.
    pub(super) fn next(&mut self) -> Duration {
        let span = self.most.saturating_sub(self.least).as_micros();
        let scaled = (u128::from(self.random.next()) * (span + 1)) >> 64;
        let within = Duration::from_micros(u64::try_from(scaled).unwrap_or(u64::MAX));
        self.least.saturating_add(within)
    }
}

impl std::fmt::Display for Latency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.least)?;
        if self.most > self.least {
            write!(f, " to {:?}", self.most)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tosses(probability: f64, seed: u64) -> Vec<bool> {
        let mut chance = Chance::new(probability, seed);
        (0..1000).map(|_| chance.decide()).collect()
    }

    #[test]
    fn a_seed_always_gives_the_same_and_the_share_is_right() {
        assert_eq!(tosses(0.3, 7), tosses(0.3, 7));
        assert_ne!(tosses(0.3, 7), tosses(0.3, 8));
        let share = tosses(0.3, 7).into_iter().filter(|hit| *hit).count();
        assert!((250..350).contains(&share), "{share}");
    }

    #[test]
    fn the_ends_are_certain() {
        assert!(tosses(0.0, 1).into_iter().all(|hit| !hit));
        assert!(tosses(1.0, 1).into_iter().all(|hit| hit));
    }

    #[test]
    fn latencies_stay_within_their_bounds_and_use_them() {
        let (least, most) = (Duration::from_millis(10), Duration::from_millis(50));
        let waits = |seed| -> Vec<Duration> {
            let mut latency = Latency::between(most, least, seed);
            (0..1000).map(|_| latency.next()).collect()
        };
        assert_eq!(waits(3), waits(3));
        assert_ne!(waits(3), waits(4));
        assert!(waits(3).iter().all(|wait| (least..=most).contains(wait)));
        let late = waits(3).iter().filter(|wait| **wait > 3 * least).count();
        assert!((400..600).contains(&late), "{late}");
        assert_eq!(Latency::fixed(most).next(), most);
    }
}
