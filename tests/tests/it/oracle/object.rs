//! Objects as recordings show them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::place::{Marks, status_of};
use super::value::shortened;

/// The picture of an object, with the same keys as in recordings. `operators` are those whose state
/// is of interest.
pub(crate) fn picture<'a>(
    object: Option<&Value>,
    marks: &BTreeMap<String, Marks>,
    operators: impl Iterator<Item = &'a String>,
) -> Value {
    let Some(object) = object else {
        return json!({"exists": false});
    };
    let meta = &object["metadata"];
    let mut picture = json!({
        "exists": true,
        "deleting": !meta["deletionTimestamp"].is_null(),
        "finalizers": meta["finalizers"].as_array().cloned().unwrap_or_default(),
        "labels": meta["labels"].as_object().cloned().unwrap_or_default(),
        "annotations": annotations(meta, marks),
        "generation": meta["generation"],
    });
    let states = operators.map(|operator| (operator.clone(), state(object, marks.get(operator))));
    let states: Map<String, Value> = states.collect();
    if !states.is_empty() {
        picture["state"] = states.into();
    }
    // Of built-in kinds neither is recorded.
    let is_custom = object["apiVersion"]
        .as_str()
        .is_some_and(|version| version.contains('/'));
    if let Some(spec) = object["spec"].as_object().filter(|_| is_custom) {
        let mut spec = spec.clone();
        spec.remove("script");
        spec.remove("run");
        picture["spec"] = spec.into();
    }
    if let Some(status) = status_of(object).filter(|_| is_custom) {
        picture["status"] = status.into();
    }
    if !object["data"].is_null() {
        picture["data"] = object["data"].clone();
    }
    shortened(&picture)
}

/// Annotations without those of the operators.
fn annotations(meta: &Value, marks: &BTreeMap<String, Marks>) -> Map<String, Value> {
    let mut annotations = meta["annotations"].as_object().cloned().unwrap_or_default();
    annotations.retain(|key, _| !marks.values().any(|marks| marks.owns(key)));
    annotations
}

fn state(object: &Value, marks: Option<&Marks>) -> Value {
    let Some(marks) = marks else {
        return json!("the operator has never run");
    };
    let state = marks.state(object);
    json!({
        "last_handled": state.last_handled,
        "in_progress": state.is_in_progress,
    })
}
