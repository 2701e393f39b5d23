//! Chance that is the same in every run.

/// A coin with a bias and a seed.
#[derive(Debug, Clone)]
pub(super) struct Chance {
    /// The part of all 64-bit numbers that strikes.
    threshold: u64,
    always: bool,
    state: u64,
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
            state: seed,
        }
    }

    /// The next toss: SplitMix64, of which every seed is a good one.
    pub(super) fn decide(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.always || (z ^ (z >> 31)) < self.threshold
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
}
