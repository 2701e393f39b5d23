//! The values of one key.

use std::fmt;
use std::sync::Arc;

/// The values of one key of an [`Index`](super::Index), as they were when it was asked for them.
///
/// # Examples
/// ```
/// use kopfrs::index::Index;
///
/// let store = Index::from_iter([("a", 1), ("a", 2)]).get("a");
/// assert_eq!(store.iter().sum::<i32>(), 3);
/// assert!(store.contains(&2));
/// ```
pub struct Store<V>(Arc<Vec<(u64, V)>>);

impl<V> Store<V> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All values, in the order in which their objects were first seen.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &V> + DoubleEndedIterator {
        self.0.iter().map(|(_, value)| value)
    }

    /// The first value: the only one where each key is that of one object.
    pub fn first(&self) -> Option<&V> {
        self.iter().next()
    }

    /// Whether a value is among them.
    pub fn contains(&self, value: &V) -> bool
    where
        V: PartialEq,
    {
        self.iter().any(|one| one == value)
    }

    /// A copy of all values.
    pub fn to_vec(&self) -> Vec<V>
    where
        V: Clone,
    {
        self.iter().cloned().collect()
    }
}

impl<V: Clone> Store<V> {
    /// Replaces the values of one object, known by its number. Copies the others only if somebody is reading them.
    pub(super) fn set(&mut self, number: u64, values: Vec<V>) {
        let all = Arc::make_mut(&mut self.0);
        let start = all.partition_point(|(of, _)| *of < number);
        let end = all.partition_point(|(of, _)| *of <= number);
        if all.is_empty() {
            // Most keys of most indices have one value.
            all.reserve_exact(values.len());
        }
        all.splice(start..end, values.into_iter().map(|value| (number, value)));
    }
}

impl<V: Clone> IntoIterator for Store<V> {
    type Item = V;
    type IntoIter = std::vec::IntoIter<V>;

    fn into_iter(self) -> Self::IntoIter {
        self.to_vec().into_iter()
    }
}

impl<'a, V> IntoIterator for &'a Store<V> {
    type Item = &'a V;
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (u64, V)>, fn(&'a (u64, V)) -> &'a V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<V> Default for Store<V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<V> Clone for Store<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V: fmt::Debug> fmt::Debug for Store<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
