//! The revisioned in-memory store: what etcd and the watch cache are to a real API server.
//!
//! One lock, one growing revision, one table per resource, each with a bounded log of its events. Called by `verbs`
//! and `controllers`. It must not know kinds, versions, HTTP or the rules of objects: it stores what it is given.

mod past;
mod saved;
mod snapshot;
mod table;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};

use self::table::Table;
pub(crate) use self::{
    past::Past,
    saved::{Saved, SavedTable},
    snapshot::{Page, PageRequest},
};
use crate::object::{Form, Object, metadata_mut};

/// The first revision. Above 1, so that a watch "from 1" is too old, as on any real cluster.
const FIRST_REVISION: u64 = 1000;

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Modified,
    Deleted,
}

/// One entry of a resource's log.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) change: Change,
    pub(crate) resource: Arc<str>,
    pub(crate) key: String,
    /// The new state; for a deletion the last state under the deletion's revision.
    pub(crate) object: Arc<Object>,
    /// The state before, `None` for an addition.
    pub(crate) previous: Option<Arc<Object>>,
    /// When it happened, for those who ask for the past.
    pub(crate) time: Instant,
}

/// The expected state was not there any more.
#[derive(Debug)]
pub(crate) struct Changed;

/// A resource version that the log does not reach back to; `oldest` is the oldest that works.
#[derive(Debug)]
pub(crate) struct Compacted {
    pub(crate) oldest: u64,
}

/// A reader's place in a resource's log.
#[derive(Debug)]
pub(crate) struct Cursor {
    resource: Arc<str>,
    /// Events up to here have been read.
    pub(crate) revision: u64,
    signal: watch::Receiver<u64>,
}

impl Cursor {
    /// Waits until there may be something new.
    pub(crate) async fn changed(&mut self) {
        // The sender lives in the table; when the table is dropped, reading tells that it ended.
        let _ = self.signal.changed().await;
    }
}

/// What reading a log gave.
#[derive(Debug)]
pub(crate) enum Read {
    /// Events in order (maybe none).
    Events(Vec<Arc<Event>>),
    /// The resource was removed and everything has been read.
    Ended,
}

#[derive(Debug)]
pub(crate) struct Store {
    inner: Mutex<Inner>,
    window: usize,
    /// For whoever keeps the state: see `saved`.
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    /// Nothing is known of what was before this revision.
    first: u64,
    revision: u64,
    tables: HashMap<Arc<str>, Table>,
    feeds: Vec<mpsc::UnboundedSender<Arc<Event>>>,
}

impl Store {
    /// A store that remembers `window` events of each resource.
    pub(crate) fn new(window: usize) -> Self {
        let inner = Inner {
            first: FIRST_REVISION,
            revision: FIRST_REVISION,
            tables: HashMap::new(),
            feeds: Vec::new(),
        };
        Self {
            inner: Mutex::new(inner),
            window: window.max(1),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Writes cannot panic half way: the data is sound even if a holder of the lock panicked.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest revision.
    pub(crate) fn revision(&self) -> u64 {
        self.lock().revision
    }

    pub(crate) fn get(&self, resource: &str, key: &str) -> Option<Arc<Object>> {
        self.lock().tables.get(resource)?.objects.get(key).cloned()
    }

    /// An object as it was at a revision that is still remembered.
    pub(crate) fn get_at(&self, resource: &str, key: &str, revision: u64) -> Option<Arc<Object>> {
        let inner = self.lock();
        let table = inner.tables.get(resource)?;
        match table.first_change(key, revision) {
            Some(event) => event.previous.clone(),
            None => table.objects.get(key).cloned(),
        }
    }

    /// All objects whose key begins with `prefix`, and the revision they were read at.
    pub(crate) fn list(&self, resource: &str, prefix: &str) -> (u64, Vec<Arc<Object>>) {
        let inner = self.lock();
        let objects = inner
            .tables
            .get(resource)
            .map(|table| table.range(prefix, None).map(|(_, o)| o.clone()).collect());
        (inner.revision, objects.unwrap_or_default())
    }

    /// One page of a list, of now or of a past revision.
    pub(crate) fn page(
        &self,
        resource: &str,
        request: &PageRequest<'_>,
    ) -> Result<Page, Compacted> {
        let mut inner = self.lock();
        let revision = inner.revision;
        snapshot::page(inner.table(resource), revision, request)
    }

    /// Adds an object; gives back the one in the way when the key is taken.
    pub(crate) fn create(
        &self,
        resource: &str,
        key: String,
        form: Form,
        value: Value,
    ) -> Result<Arc<Object>, Arc<Object>> {
        let mut inner = self.lock();
        if let Some(present) = inner.table(resource).objects.get(&key) {
            return Err(present.clone());
        }
        Ok(self.commit(&mut inner, resource, Change::Added, key, form, value))
    }

    /// Replaces an object if it still is at `expected`.
    pub(crate) fn replace(
        &self,
        resource: &str,
        key: &str,
        expected: u64,
        form: Form,
        value: Value,
    ) -> Result<Arc<Object>, Changed> {
        let mut inner = self.lock();
        inner.expect(resource, key, expected)?;
        Ok(self.commit(
            &mut inner,
            resource,
            Change::Modified,
            key.to_owned(),
            form,
            value,
        ))
    }

    /// Removes an object if it still is at `expected`; the result is its last state under the new revision.
    pub(crate) fn remove(
        &self,
        resource: &str,
        key: &str,
        expected: u64,
    ) -> Result<Arc<Object>, Changed> {
        let mut inner = self.lock();
        let present = inner.expect(resource, key, expected)?;
        Ok(self.commit(
            &mut inner,
            resource,
            Change::Deleted,
            key.to_owned(),
            present.form.clone(),
            present.value.clone(),
        ))
    }

    fn commit(
        &self,
        inner: &mut Inner,
        resource: &str,
        change: Change,
        key: String,
        form: Form,
        mut value: Value,
    ) -> Arc<Object> {
        inner.revision += 1;
        let revision = inner.revision;
        metadata_mut(&mut value).insert(
            "resourceVersion".to_owned(),
            Value::String(revision.to_string()),
        );
        let object = Arc::new(Object::new(revision, form, value));
        let event = inner
            .table(resource)
            .apply(change, key, object.clone(), self.window);
        inner.feeds.retain(|feed| feed.send(event.clone()).is_ok());
        self.changed.notify_one();
        object
    }

    /// A cursor that reads what comes after `revision`; `None` means from now.
    pub(crate) fn cursor(&self, resource: &str, revision: Option<u64>) -> Cursor {
        let mut inner = self.lock();
        let now = inner.revision;
        let table = inner.table(resource);
        Cursor {
            resource: table.resource.clone(),
            revision: revision.unwrap_or(now),
            signal: table.signal.subscribe(),
        }
    }

    /// A list and the cursor that goes on right after it: of now, or of a revision that is still remembered.
    pub(crate) fn list_and_follow(
        &self,
        resource: &str,
        prefix: &str,
        as_of: Option<u64>,
    ) -> (Vec<Arc<Object>>, Cursor) {
        let mut inner = self.lock();
        let now = inner.revision;
        let table = inner.table(resource);
        let revision = as_of.map_or(now, |revision| revision.clamp(table.compacted, now));
        let objects = snapshot::state(table, revision, prefix, None);
        let cursor = Cursor {
            resource: table.resource.clone(),
            revision,
            signal: table.signal.subscribe(),
        };
        (objects, cursor)
    }

    /// Reads on, at most `limit` events, and moves the cursor; once nothing is left the cursor is at the newest revision.
    pub(crate) fn read(&self, cursor: &mut Cursor, limit: usize) -> Result<Read, Compacted> {
        cursor.signal.mark_unchanged();
        let inner = self.lock();
        let Some(table) = inner.tables.get(&cursor.resource) else {
            return Ok(Read::Ended);
        };
        if cursor.revision < table.compacted {
            return Err(Compacted {
                oldest: table.compacted,
            });
        }
        let events = table.events_after(cursor.revision, limit);
        match events.last() {
            Some(last) => cursor.revision = last.object.revision,
            None if table.end_after(cursor.revision).is_some() => return Ok(Read::Ended),
            None => cursor.revision = cursor.revision.max(inner.revision),
        }
        Ok(Read::Events(events))
    }

    /// Ends a resource: readers get what is left and then the end.
    pub(crate) fn close(&self, resource: &str) {
        let mut inner = self.lock();
        inner.revision += 1;
        let revision = inner.revision;
        inner.table(resource).close(revision);
        self.changed.notify_one();
    }

    /// Every event of every resource from now on, for controllers, after an addition of each object that is there
    /// already.
    ///
    /// Unbounded on purpose: controllers live in this process and always drain it; a bound could only stall writers.
    pub(crate) fn feed(&self) -> mpsc::UnboundedReceiver<Arc<Event>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut inner = self.lock();
        for event in inner.present() {
            // The receiver is still here.
            let _ = sender.send(event);
        }
        inner.feeds.push(sender);
        receiver
    }
}

impl Inner {
    fn table(&mut self, resource: &str) -> &mut Table {
        if !self.tables.contains_key(resource) {
            let table = Table::new(Arc::from(resource), self.first);
            self.tables.insert(table.resource.clone(), table);
        }
        self.tables
            .get_mut(resource)
            .expect("the table was put there above")
    }

    fn expect(&mut self, resource: &str, key: &str, expected: u64) -> Result<Arc<Object>, Changed> {
        let present = self.table(resource).objects.get(key).ok_or(Changed)?;
        if present.revision == expected {
            Ok(present.clone())
        } else {
            Err(Changed)
        }
    }
}

#[cfg(test)]
mod tests;
