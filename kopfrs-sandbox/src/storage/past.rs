//! Revisions that are named by what has happened, or when.

use tokio::time::Instant;

use super::{Store, table::Table};

/// A state of the past that a reader wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Past {
    /// Before the last so many events of the resource.
    Events(usize),
    /// After everything that had happened at that moment.
    At(Instant),
    Revision(u64),
}

impl Store {
    /// The revision of a state of a resource, or the oldest that is remembered if that is newer.
    pub(crate) fn past(&self, resource: &str, past: Past) -> u64 {
        let mut inner = self.lock();
        let newest = inner.revision;
        let table = inner.table(resource);
        let revision = match past {
            Past::Events(events) => before_last(table, events).unwrap_or(newest),
            Past::At(moment) => {
                let later = table.log.partition_point(|event| event.time <= moment);
                before_last(table, table.log.len() - later).unwrap_or(newest)
            }
            Past::Revision(revision) => revision,
        };
        revision.clamp(table.compacted, newest)
    }
}

/// The revision before the last so many events; `None` if there have been none since.
fn before_last(table: &Table, events: usize) -> Option<u64> {
    if events == 0 {
        return None;
    }
    let at = table.log.len().saturating_sub(events);
    // One less than the revision of the first that is undone: what other resources did before has happened.
    table.log.get(at).map(|event| event.object.revision - 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Form;

    fn create(store: &Store, resource: &str, name: &str) -> u64 {
        let value = json!({"metadata": {"name": name}});
        let created = store.create(resource, name.to_owned(), Form::default(), value);
        created.expect("new").revision
    }

    #[tokio::test(start_paused = true)]
    async fn the_past_is_named_by_events_times_and_revisions() {
        let store = Store::new(3);
        let begin = store.revision();
        let second = std::time::Duration::from_secs(1);
        let mut revisions = Vec::new();
        for name in ["a", "b", "c"] {
            tokio::time::advance(second).await;
            revisions.push(create(&store, "things", name));
            create(&store, "others", name);
        }
        let now = Instant::now();
        let newest = store.revision();
        for (past, expected) in [
            (Past::Events(0), newest),
            (Past::Events(1), revisions[2] - 1),
            (Past::Events(3), begin),
            (Past::Events(99), begin),
            (Past::At(now), newest),
            (Past::At(now - second), revisions[2] - 1),
            (Past::At(now - 60 * second), begin),
            (Past::Revision(revisions[1]), revisions[1]),
            (Past::Revision(newest + 9), newest),
            (Past::Revision(0), begin),
        ] {
            assert_eq!(store.past("things", past), expected, "{past:?}");
        }
        create(&store, "things", "d");
        assert_eq!(store.past("things", Past::Events(99)), revisions[1] - 1);
    }
}
