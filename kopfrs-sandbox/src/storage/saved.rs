//! What outlives a store: its objects and how far its revisions are, without the log.
//!
//! Made for whoever keeps the state somewhere, and read back when it is needed again. A reader of the log from before
//! goes on when nothing has happened to its resource since, and is told to start over otherwise, as after the restart
//! of a real API server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{sync::Notify, time::Instant};

use super::{Change, Event, FIRST_REVISION, Inner, Store, table::Table};
use crate::object::Object;

/// The state of a store at one revision.
#[derive(Debug)]
pub(crate) struct Saved {
    /// Nothing is known of what was before this revision.
    pub(crate) first: u64,
    pub(crate) revision: u64,
    pub(crate) tables: Vec<SavedTable>,
}

/// The state of one resource.
#[derive(Debug)]
pub(crate) struct SavedTable {
    pub(crate) resource: Arc<str>,
    /// The last revision at which anything happened to it.
    pub(crate) changed: u64,
    pub(crate) objects: Vec<(String, Arc<Object>)>,
}

impl Saved {
    /// The state as it goes on when revisions after it may have been given out, too: `skipped` of them are left out,
    /// and nobody's reading goes on across the gap.
    pub(crate) fn after_a_gap(mut self, skipped: u64) -> Self {
        self.revision += skipped;
        self.first = self.revision;
        for table in &mut self.tables {
            table.changed = self.revision;
        }
        self
    }
}

impl Store {
    /// What has to be kept of it. Objects are shared, not copied.
    pub(crate) fn saved(&self) -> Saved {
        let inner = self.lock();
        let tables = inner.tables.values().map(|table| SavedTable {
            resource: table.resource.clone(),
            changed: table.changed(),
            objects: table
                .objects
                .iter()
                .map(|(key, object)| (key.clone(), object.clone()))
                .collect(),
        });
        Saved {
            first: inner.first,
            revision: inner.revision,
            tables: tables.collect(),
        }
    }

    /// A store that goes on from a saved state.
    pub(crate) fn restored(window: usize, saved: Saved) -> Self {
        let mut tables = HashMap::new();
        for SavedTable {
            resource,
            changed,
            objects,
        } in saved.tables
        {
            let mut table = Table::new(resource.clone(), changed);
            table.objects = objects.into_iter().collect();
            tables.insert(resource, table);
        }
        Self {
            inner: Mutex::new(Inner {
                first: saved.first.max(FIRST_REVISION),
                revision: saved.revision.max(FIRST_REVISION),
                tables,
                feeds: Vec::new(),
            }),
            window: window.max(1),
            changed: Notify::new(),
        }
    }

    /// Told after each write; one permit is kept for who was not waiting.
    pub(crate) fn changed(&self) -> &Notify {
        &self.changed
    }
}

impl Inner {
    /// Everything there is, as if it had just been added.
    pub(super) fn present(&self) -> impl Iterator<Item = Arc<Event>> {
        let now = Instant::now();
        self.tables.values().flat_map(move |table| {
            let events = table.objects.iter().map(move |(key, object)| Event {
                change: Change::Added,
                resource: table.resource.clone(),
                key: key.clone(),
                object: object.clone(),
                previous: None,
                time: now,
            });
            events.map(Arc::new)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        object::Form,
        storage::{Compacted, Read},
    };

    fn form() -> Form {
        Form {
            schema: 7,
            version: Some(Arc::from("v1")),
        }
    }

    fn written() -> Store {
        let store = Store::new(10);
        for (resource, name) in [("things", "a"), ("things", "b"), ("others", "c")] {
            let value = json!({"metadata": {"name": name}});
            store
                .create(resource, name.to_owned(), form(), value)
                .expect("new");
        }
        store
    }

    fn goes_on(store: &Store, resource: &str, from: u64) -> bool {
        let mut cursor = store.cursor(resource, Some(from));
        match store.read(&mut cursor, 10) {
            Ok(Read::Events(events)) => events.is_empty(),
            Ok(Read::Ended) | Err(Compacted { .. }) => false,
        }
    }

    #[test]
    fn a_restored_store_has_the_same_objects_and_goes_on_counting() {
        let store = written();
        let restored = Store::restored(10, store.saved());
        assert_eq!(restored.revision(), store.revision());
        let (_, objects) = restored.list("things", "");
        assert_eq!(objects.len(), 2);
        assert_eq!(
            (objects[0].revision, objects[0].form.clone()),
            (1001, form())
        );
        let next = restored
            .create(
                "things",
                "d".into(),
                Form::default(),
                json!({"metadata": {"name": "d"}}),
            )
            .expect("new");
        assert_eq!(next.revision, 1004);
    }

    #[test]
    fn readers_go_on_where_nothing_has_happened_since() {
        let restored = Store::restored(10, written().saved());
        assert!(goes_on(&restored, "things", 1002));
        assert!(!goes_on(&restored, "things", 1001));
        assert!(!goes_on(&restored, "others", 1002));
        assert!(goes_on(&restored, "unheard-of", 1001));
    }

    #[test]
    fn nobody_reads_on_across_a_gap() {
        let restored = Store::restored(10, written().saved().after_a_gap(100));
        // Also when it is kept once more.
        let restored = Store::restored(10, restored.saved());
        assert_eq!(restored.revision(), 1103);
        for resource in ["things", "others", "unheard-of"] {
            assert!(!goes_on(&restored, resource, 1050), "{resource}");
            assert!(goes_on(&restored, resource, 1103), "{resource}");
        }
    }
}
