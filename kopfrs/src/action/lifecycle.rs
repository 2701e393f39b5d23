//! Which of the handlers that are ready run in one cycle.

use std::hash::{BuildHasher as _, RandomState};

use crate::object::digest;
use crate::settings::{ExecutionSettings, Lifecycle};

/// What a choice is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion<'a> {
    /// The object.
    pub(crate) uid: &'a str,
    /// How many attempts were made so far, by all of its handlers.
    pub(crate) attempts: u32,
}

/// Chooses those that run now, in the order in which they run, of those that are ready, in the order of
/// their declaration. `retries` tells how often one was called before.
pub(crate) fn choose<T>(
    settings: &ExecutionSettings,
    occasion: Occasion<'_>,
    mut ready: Vec<T>,
    retries: impl Fn(&T) -> u32,
) -> Vec<T> {
    if ready.is_empty() {
        return ready;
    }
    let one = match settings.lifecycle {
        Lifecycle::AllAtOnce => return ready,
        Lifecycle::Shuffled => {
            shuffle(&mut ready, draw(settings, occasion));
            return ready;
        }
        Lifecycle::OneByOne => 0,
        Lifecycle::Asap => {
            let retries = ready.iter().enumerate().map(|(i, one)| (retries(one), i));
            retries.min().map_or(0, |(_, i)| i)
        }
        Lifecycle::Randomized => pick(draw(settings, occasion), ready.len()),
    };
    vec![ready.swap_remove(one)]
}

/// A random number; with a seed always the same for the same occasion, whatever other objects do.
fn draw(settings: &ExecutionSettings, occasion: Occasion<'_>) -> u64 {
    let Some(seed) = settings.lifecycle_seed else {
        return RandomState::new().hash_one(occasion.attempts);
    };
    let text = format!("{seed}/{}/{}", occasion.uid, occasion.attempts);
    let digest = digest(&text.into());
    u64::from_str_radix(&digest[..16], 16).unwrap_or(seed)
}

/// A number below `count`.
fn pick(random: u64, count: usize) -> usize {
    let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
    usize::try_from(random % count).unwrap_or(0)
}

/// Fisher and Yates', with a multiplicative generator: fair enough for a handful of handlers.
fn shuffle<T>(ready: &mut [T], mut random: u64) {
    for last in (1..ready.len()).rev() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ready.swap(last, pick(random >> 33, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: [u32; 3] = [2, 0, 0];

    fn chosen(lifecycle: Lifecycle, seed: Option<u64>, attempts: u32) -> Vec<usize> {
        let mut settings = ExecutionSettings::default();
        (settings.lifecycle, settings.lifecycle_seed) = (lifecycle, seed);
        let occasion = Occasion { uid: "u", attempts };
        choose(&settings, occasion, vec![0, 1, 2], |i| RETRIES[*i])
    }

    #[test]
    fn some_lifecycles_go_by_order_or_by_retries() {
        assert_eq!(chosen(Lifecycle::AllAtOnce, None, 0), [0, 1, 2]);
        assert_eq!(chosen(Lifecycle::OneByOne, None, 0), [0]);
        assert_eq!(chosen(Lifecycle::Asap, None, 0), [1]);
        let nobody: Vec<usize> = Vec::new();
        let occasion = Occasion {
            uid: "u",
            attempts: 0,
        };
        assert!(choose(&ExecutionSettings::default(), occasion, nobody, |_| 0).is_empty());
    }

    #[test]
    fn others_draw_from_all_and_the_same_from_the_same_seed() {
        for (lifecycle, count) in [(Lifecycle::Randomized, 1), (Lifecycle::Shuffled, 3)] {
            let draws: Vec<_> = (0..100).map(|n| chosen(lifecycle, Some(7), n)).collect();
            let again: Vec<_> = (0..100).map(|n| chosen(lifecycle, Some(7), n)).collect();
            assert_eq!(draws, again);
            assert_ne!(
                draws,
                (0..100)
                    .map(|n| chosen(lifecycle, Some(8), n))
                    .collect::<Vec<_>>()
            );
            for i in 0..3 {
                let first = draws.iter().filter(|draw| draw[0] == i).count();
                assert!(
                    (15..55).contains(&first),
                    "{lifecycle:?}: {i} came first {first} times"
                );
            }
            assert!(draws.iter().all(|draw| draw.len() == count));
            let unseeded: Vec<_> = (0..100).map(|n| chosen(lifecycle, None, n)).collect();
            assert_ne!(draws, unseeded);
        }
    }
}
