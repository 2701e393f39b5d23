//! Indices: what functions of the users' own keep of objects, by keys, for all handlers to look up.
//!
//! Plain values in memory. Filled by `engine::indexing`, held by the environment of all handlers, read through
//! [`Index`]. Knows neither objects nor handlers: who has put a value in is a text, the uid.

mod indices;
mod shape;
mod store;
mod table;

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

pub use self::indices::{IndexError, Indices};
pub use self::shape::{IndexShape, IndexUse};
pub use self::store::Store;
use self::table::Table;

/// What can be a key of an index.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key of an index",
    label = "not a key",
    note = "keys are owned and comparable: `Eq + Hash + Clone + Send + Sync + 'static`"
)]
pub trait IndexKey: Eq + Hash + Clone + Send + Sync + 'static {}

impl<T: Eq + Hash + Clone + Send + Sync + 'static> IndexKey for T {}

/// What can be a value in an index.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a value in an index",
    label = "not a value",
    note = "values are owned and can be copied: `Clone + Send + Sync + 'static`; what is large or cannot be copied goes behind an `Arc`"
)]
pub trait IndexValue: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> IndexValue for T {}

/// An index: what a function under `#[on::index(…)]` has returned for all objects that are there, by keys.
///
/// It is an argument of any handler; the argument's name is the id of the index. It is a view: what it gives is
/// always the present state, and it cannot be changed but by the function that fills it.
///
/// Looking something up costs no more than in a `HashMap`, however many values there are. What is given is a
/// snapshot: nobody waits while it is being read, and it does not change meanwhile.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
///
/// use k8s_openapi::api::core::v1::Pod;
/// use kopfrs::prelude::*;
///
/// /// The pods of each node.
/// #[on::index(Pod)]
/// fn pods_by_node(spec: Value, name: &str) -> Option<BTreeMap<String, String>> {
///     let node = spec["nodeName"].as_str()?;
///     Some(BTreeMap::from([(node.to_owned(), name.to_owned())]))
/// }
///
/// #[on::update("nodes")]
/// fn update(name: &str, pods_by_node: Index<String, String>) {
///     for pod in &pods_by_node.get(name) {
///         info!("{pod} is on {name}");
///     }
/// }
/// # let pods = Index::from_iter([("n1".to_owned(), "a".to_owned()), ("n1".to_owned(), "b".to_owned())]);
/// # update("n1", pods.clone());
/// # assert_eq!(pods.get("n1").to_vec(), ["a", "b"]);
/// ```
pub struct Index<K, V> {
    table: Arc<RwLock<Table<K, V>>>,
}

impl<K, V> Index<K, V> {
    /// Never held across an await: those who read leave with a snapshot.
    fn table(&self) -> RwLockReadGuard<'_, Table<K, V>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: IndexKey, V: IndexValue> Index<K, V> {
    /// The values of a key: those of all objects together, in the order in which these were first seen. Empty if there are none.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::index::Index;
    ///
    /// let index = Index::from_iter([("a", 1), ("b", 2), ("a", 3)]);
    /// assert_eq!(index.get("a").to_vec(), [1, 3]);
    /// assert!(index.get("c").is_empty());
    /// ```
    pub fn get<Q>(&self, key: &Q) -> Store<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.table().values.get(key).cloned().unwrap_or_default()
    }

    /// Whether there is a value of a key.
    ///
    /// # Examples
    /// ```
    /// # use kopfrs::index::Index;
    /// assert!(Index::from_iter([("a", 1)]).contains_key("a"));
    /// ```
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.table().values.contains_key(key)
    }

    /// How many keys there are.
    ///
    /// # Examples
    /// ```
    /// # use kopfrs::index::Index;
    /// assert_eq!(Index::from_iter([("a", 1), ("a", 2), ("b", 3)]).len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.table().values.len()
    }

    /// Whether there are no keys.
    ///
    /// # Examples
    /// ```
    /// # use kopfrs::index::Index;
    /// assert!(Index::<String, u32>::default().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All keys, in no order.
    ///
    /// # Examples
    /// ```
    /// # use kopfrs::index::Index;
    /// let mut keys = Index::from_iter([("a", 1), ("b", 2)]).keys();
    /// keys.sort();
    /// assert_eq!(keys, ["a", "b"]);
    /// ```
    pub fn keys(&self) -> Vec<K> {
        self.table().values.keys().cloned().collect()
    }

    /// The values of all keys, in no order of the keys.
    ///
    /// # Examples
    /// ```
    /// # use kopfrs::index::Index;
    /// assert_eq!(Index::from_iter([((), 1), ((), 2)]).values(), [1, 2]);
    /// ```
    pub fn values(&self) -> Vec<V> {
        let stores: Vec<Store<V>> = self.table().values.values().cloned().collect();
        stores.into_iter().flatten().collect()
    }

    /// All keys with their values, as they are now, in no order of the keys.
    ///
    /// # Examples
    /// ```
    /// # use kopfrs::index::Index;
    /// for (key, store) in Index::from_iter([("a", 1), ("a", 2)]).iter() {
    ///     assert_eq!((key, store.len()), ("a", 2));
    /// }
    /// ```
    pub fn iter(&self) -> std::vec::IntoIter<(K, Store<V>)> {
        let table = self.table();
        let all = table.values.iter();
        let all = all.map(|(key, store)| (key.clone(), store.clone()));
        let all: Vec<_> = all.collect();
        all.into_iter()
    }

    /// Replaces all that is there of one object.
    pub(crate) fn replace(&self, uid: &Arc<str>, entries: Vec<(K, V)>) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.replace(uid, entries);
    }

    /// Removes all that is there of one object.
    pub(crate) fn discard(&self, uid: &str) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.discard(uid);
    }
}

impl<K: IndexKey, V: IndexValue> IntoIterator for &Index<K, V> {
    type Item = (K, Store<V>);
    type IntoIter = std::vec::IntoIter<(K, Store<V>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// For tests of functions that take an index: each pair is of an object of its own.
impl<K: IndexKey, V: IndexValue> FromIterator<(K, V)> for Index<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let index = Self::default();
        for (number, pair) in pairs.into_iter().enumerate() {
            index.replace(&number.to_string().into(), vec![pair]);
        }
        index
    }
}

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        Self {
            table: Arc::default(),
        }
    }
}

/// Another view of the same index.
impl<K, V> Clone for Index<K, V> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Index<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.table().values).finish()
    }
}

#[cfg(test)]
mod tests;
