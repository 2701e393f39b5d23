//! What is in one index: values by key, and keys by object.

use std::collections::HashMap;
use std::sync::Arc;

use super::store::Store;
use super::{IndexKey, IndexValue};

/// What is in one index.
pub(super) struct Table<K, V> {
    pub(super) values: HashMap<K, Store<V>>,
    sources: HashMap<Arc<str>, Source<K>>,
    /// How many objects there were so far.
    count: u64,
}

/// An object that there is something of.
struct Source<K> {
    /// It stands for the object among the values: small, and in the order of arrival.
    number: u64,
    /// Where there is something of it.
    keys: Vec<K>,
}

impl<K: IndexKey, V: IndexValue> Table<K, V> {
    /// Replaces all that is there of one object.
    pub(super) fn replace(&mut self, uid: &Arc<str>, entries: Vec<(K, V)>) {
        if entries.is_empty() {
            self.discard(uid);
            return;
        }
        let old = self.sources.remove(uid);
        let number = old.as_ref().map_or(self.count, |source| source.number);
        if old.is_none() {
            self.count += 1;
        }
        let mut new: Vec<(K, Vec<V>)> = Vec::with_capacity(entries.len());
        let mut places: HashMap<K, usize> = HashMap::new();
        for (key, value) in entries {
            let place = *places.entry(key.clone()).or_insert(new.len());
            match new.get_mut(place) {
                Some((_, values)) => values.push(value),
                None => new.push((key, vec![value])),
            }
        }
        let gone = old.into_iter().flat_map(|source| source.keys);
        for key in gone.filter(|key| !places.contains_key(key)) {
            self.remove(&key, number);
        }
        let mut keys = Vec::with_capacity(new.len());
        for (key, values) in new {
            let store = self.values.entry(key.clone()).or_default();
            store.set(number, values);
            keys.push(key);
        }
        self.sources.insert(uid.clone(), Source { number, keys });
    }

    /// Removes all that is there of one object.
    pub(super) fn discard(&mut self, uid: &str) {
        let Some(source) = self.sources.remove(uid) else {
            return;
        };
        for key in &source.keys {
            self.remove(key, source.number);
        }
    }

    /// How many objects there is something of.
    #[cfg(test)]
    pub(super) fn sources_len(&self) -> usize {
        self.sources.len()
    }

    fn remove(&mut self, key: &K, number: u64) {
        if let Some(store) = self.values.get_mut(key) {
            store.set(number, Vec::new());
            if store.is_empty() {
                self.values.remove(key);
            }
        }
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            sources: HashMap::new(),
            count: 0,
        }
    }
}
