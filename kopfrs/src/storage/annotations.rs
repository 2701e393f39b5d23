//! State in annotations: four of them at most, and a marker that tells other operators to ignore them.

use serde_json::{Map, Value, json};

use super::{Storage, Stored, encoding, fields_of, fields_text};
use crate::object::{FieldPath, essence};

const BASELINE: &str = "last-handled-configuration";
const PROGRESS: &str = "progress";
const BEGUN: &str = "begun-configuration";
const TRACKED: &str = "tracked-fields";

/// Reads the state, and takes it out of the object.
pub(super) fn take(storage: &Storage, object: &mut Value) -> Stored {
    let Some(annotations) = object["metadata"]["annotations"].as_object_mut() else {
        tidy(object);
        return Stored::default();
    };
    let mut get = |name: &str| match annotations.remove(&key(storage, name)) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (baseline, begun) = (get(BASELINE), get(BEGUN));
    let (progress, tracked) = (get(PROGRESS), get(TRACKED));
    let owner = get(essence::MARKER).unwrap_or_default();
    let owner = if owner == "yes" {
        // It speaks of more than our memory.
        annotations.insert(key(storage, essence::MARKER), owner.into());
        String::new()
    } else {
        owner
    };
    tidy(object);
    Stored {
        owner,
        baseline: baseline.and_then(|text| encoding::decode(&text)),
        begun: begun.and_then(|text| encoding::decode(&text)),
        tracked: tracked.map(|text| fields_of(&text)).unwrap_or_default(),
        // What cannot be read is no progress: handlers run once more, which they must bear anyway.
        progress: progress
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default(),
    }
}

/// Removes what indexing or taking has left behind.
fn tidy(object: &mut Value) {
    let path = FieldPath::new(["metadata", "annotations"]);
    if path
        .get(object)
        .is_some_and(|a| a.is_null() || a.as_object().is_some_and(Map::is_empty))
    {
        path.remove(object);
    }
}

/// The merge patch from one state to another; null if they are the same.
pub(super) fn patch(storage: &Storage, present: &Stored, wanted: &Stored) -> Value {
    let mut annotations = Map::new();
    if present.baseline != wanted.baseline {
        let text = wanted.baseline.as_ref().map(encoding::encode);
        annotations.insert(key(storage, BASELINE), json!(text));
    }
    if present.begun != wanted.begun {
        let text = wanted.begun.as_ref().map(encoding::encode);
        annotations.insert(key(storage, BEGUN), json!(text));
    }
    if present.tracked != wanted.tracked {
        annotations.insert(key(storage, TRACKED), json!(fields_text(&wanted.tracked)));
    }
    if present.progress != wanted.progress {
        let text = (!wanted.progress.is_empty()).then(|| json!(wanted.progress).to_string());
        annotations.insert(key(storage, PROGRESS), json!(text));
    }
    if annotations.is_empty() && present.owner == wanted.owner {
        return Value::Null;
    }
    // The marker tells whose state this is.
    let is_empty = *wanted == Stored::default();
    let marker = if wanted.owner.is_empty() {
        "yes"
    } else {
        &wanted.owner
    };
    annotations.insert(
        key(storage, essence::MARKER),
        json!((!is_empty).then_some(marker)),
    );
    json!({"metadata": {"annotations": annotations}})
}

fn key(storage: &Storage, name: &str) -> String {
    format!("{}/{name}", storage.prefix)
}
