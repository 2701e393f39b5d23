//! Reading lists in pages, of now or of a past revision.
//!
//! A past state is the present one with the log undone, so no snapshots are kept. Used by the store only.

use std::{collections::BTreeMap, sync::Arc};

use super::{Compacted, table::Table};
use crate::object::Object;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageRequest<'a> {
    /// Keys must begin with this.
    pub(crate) prefix: &'a str,
    /// Only this key and those after it.
    pub(crate) from: Option<&'a str>,
    /// The state as of this revision; `None` is now.
    pub(crate) at: Option<u64>,
}

/// Objects in key order with the revision they belong to.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<Arc<Object>>,
}

pub(super) fn page(table: &Table, now: u64, request: &PageRequest<'_>) -> Result<Page, Compacted> {
    let revision = request.at.unwrap_or(now);
    if revision < table.compacted {
        return Err(Compacted {
            oldest: table.compacted,
        });
    }
    Ok(Page {
        revision,
        objects: state(table, revision, request.prefix, request.from),
    })
}

/// What was there at a revision that the log reaches back to.
pub(super) fn state(
    table: &Table,
    revision: u64,
    prefix: &str,
    from: Option<&str>,
) -> Vec<Arc<Object>> {
    let current = table.range(prefix, from);
    let undone = undone(table, revision);
    if undone.is_empty() {
        return current.map(|(_, object)| object.clone()).collect();
    }
    let mut past: BTreeMap<&str, Arc<Object>> = current
        .map(|(key, object)| (key.as_str(), object.clone()))
        .collect();
    for (key, previous) in undone {
        let wanted = key.starts_with(prefix) && from.is_none_or(|from| key >= from);
        match previous {
            Some(object) if wanted => drop(past.insert(key, object.clone())),
            _ => drop(past.remove(key)),
        }
    }
    past.into_values().collect()
}

/// For each key changed from `revision`, its state at `revision`.
fn undone(table: &Table, revision: u64) -> BTreeMap<&str, Option<&Arc<Object>>> {
    let later = table
        .log
        .iter()
        .rev()
        .take_while(|event| event.object.revision > revision);
    later
        .map(|event| (event.key.as_str(), event.previous.as_ref()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        object::{Form, meta},
        storage::Store,
    };

    fn object(name: &str) -> Value {
        json!({"metadata": {"name": name}})
    }

    fn names(page: &Page) -> Vec<&str> {
        page.objects
            .iter()
            .map(|object| meta(&object.value, "name"))
            .collect()
    }

    #[test]
    fn a_past_revision_shows_the_past() {
        let store = Store::new(100);
        for name in ["a", "b", "c"] {
            store
                .create("things", name.into(), Form::default(), object(name))
                .expect("new");
        }
        let then = store.revision();
        store
            .create("things", "bb".into(), Form::default(), object("bb"))
            .expect("new");
        let a = store.get("things", "a").expect("there");
        store.remove("things", "a", a.revision).expect("current");
        let request = PageRequest {
            prefix: "",
            from: None,
            at: Some(then),
        };
        assert_eq!(
            names(&store.page("things", &request).expect("kept")),
            ["a", "b", "c"]
        );
        let request = PageRequest {
            prefix: "",
            from: Some("a\0"),
            at: Some(then),
        };
        assert_eq!(
            names(&store.page("things", &request).expect("kept")),
            ["b", "c"]
        );
        let request = PageRequest {
            prefix: "",
            from: None,
            at: None,
        };
        assert_eq!(
            names(&store.page("things", &request).expect("kept")),
            ["b", "bb", "c"]
        );
    }
}
