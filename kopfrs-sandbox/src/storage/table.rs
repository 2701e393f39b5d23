//! One resource's objects and the log of what happened to them.
//!
//! Used by the store under its lock only.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use tokio::{sync::watch, time::Instant};

use super::{Change, Event};
use crate::object::Object;

#[derive(Debug)]
pub(super) struct Table {
    pub(super) resource: Arc<str>,
    pub(super) objects: BTreeMap<String, Arc<Object>>,
    pub(super) log: VecDeque<Arc<Event>>,
    /// Events up to this revision are not in the log (any more).
    pub(super) compacted: u64,
    /// Revisions at which the resource went away; it may have come back since.
    ends: Vec<u64>,
    pub(super) signal: watch::Sender<u64>,
}

impl Table {
    /// A table whose log reaches back to `first`: nothing can have happened to this resource before.
    pub(super) fn new(resource: Arc<str>, first: u64) -> Self {
        let signal = watch::Sender::new(first);
        Self {
            resource,
            objects: BTreeMap::new(),
            log: VecDeque::new(),
            compacted: first,
            ends: Vec::new(),
            signal,
        }
    }

    /// Objects whose key begins with `prefix`, in key order, from a key on.
    pub(super) fn range<'a>(
        &'a self,
        prefix: &'a str,
        from: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a String, &'a Arc<Object>)> {
        let from = Bound::Included(from.unwrap_or(prefix));
        self.objects
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    pub(super) fn apply(
        &mut self,
        change: Change,
        key: String,
        object: Arc<Object>,
        window: usize,
    ) -> Arc<Event> {
        let previous = match change {
            Change::Added | Change::Modified => self.objects.insert(key.clone(), object.clone()),
            Change::Deleted => self.objects.remove(&key),
        };
        let revision = object.revision;
        let event = Arc::new(Event {
            change,
            resource: self.resource.clone(),
            key,
            object,
            previous,
            time: Instant::now(),
        });
        self.log.push_back(event.clone());
        while self.log.len() > window {
            if let Some(dropped) = self.log.pop_front() {
                self.compacted = dropped.object.revision;
            }
        }
        self.signal.send_replace(revision);
        event
    }

    pub(super) fn events_after(&self, revision: u64, limit: usize) -> Vec<Arc<Event>> {
        let start = self
            .log
            .partition_point(|event| event.object.revision <= revision);
        let end = self.end_after(revision).unwrap_or(u64::MAX);
        self.log
            .range(start..)
            .take_while(|event| event.object.revision < end)
            .take(limit)
            .cloned()
            .collect()
    }

    /// The first event of a key after a revision.
    pub(super) fn first_change(&self, key: &str, revision: u64) -> Option<&Arc<Event>> {
        let start = self
            .log
            .partition_point(|event| event.object.revision <= revision);
        self.log.range(start..).find(|event| event.key == key)
    }

    /// Where a reader at `revision` has to stop.
    pub(super) fn end_after(&self, revision: u64) -> Option<u64> {
        self.ends.iter().copied().find(|&end| end > revision)
    }

    /// The last revision at which anything happened.
    pub(super) fn changed(&self) -> u64 {
        let last = self.log.back().map_or(0, |event| event.object.revision);
        let end = self.ends.last().copied().unwrap_or(0);
        self.compacted.max(last).max(end)
    }

    pub(super) fn close(&mut self, revision: u64) {
        self.ends.push(revision);
        self.signal.send_replace(revision);
    }
}
