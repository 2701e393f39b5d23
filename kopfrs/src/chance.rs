//! Numbers that nobody can foretell, for pauses that are to differ and names that are to be new.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A random number.
pub(crate) fn random() -> u64 {
    // Each state is keyed anew by the standard library, from what the system has for it.
    RandomState::new().build_hasher().finish()
}

/// A random number from 0 to 1.
pub(crate) fn fraction() -> f64 {
    f64::from(u32::try_from(random() >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

/// A random text of letters and digits that are not mixed up.
pub(crate) fn letters(count: usize) -> String {
    const LETTERS: &[u8] = b"abcdefhijkmnpqrstuvwxyz23456789";
    let letter = |_| {
        let at = usize::try_from(random() % LETTERS.len() as u64).unwrap_or_default();
        char::from(LETTERS[at])
    };
    (0..count).map(letter).collect()
}

/// The name of this machine; in a pod, that of the pod.
pub(crate) fn host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_differ_each_time() {
        assert_ne!(random(), random());
        assert_ne!(letters(12), letters(12));
        assert!((0..100).all(|_| (0.0..=1.0).contains(&fraction())));
    }
}
