//! Pods as their controllers see them, and new ones.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    object::{child_mut, fields_mut, is_deleting, meta, text},
};

/// Neither finished nor on its way out.
pub(super) fn is_active(pod: &Value) -> bool {
    !is_deleting(pod) && !is_finished(pod)
}

pub(super) fn is_finished(pod: &Value) -> bool {
    matches!(
        text(pod, &["status", "phase"]),
        Some("Succeeded" | "Failed")
    )
}

fn ready(pod: &Value) -> Option<&Value> {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

pub(super) fn is_ready(pod: &Value) -> bool {
    ready(pod).is_some()
}

/// Whether a Pod has been ready for long enough; else after how many seconds it will have been.
pub(super) fn available(cluster: &Cluster, pod: &Value, min_ready: i64) -> Result<(), Option<i64>> {
    let Some(condition) = ready(pod) else {
        return Err(None);
    };
    if min_ready == 0 {
        return Ok(());
    }
    let since = text(condition, &["lastTransitionTime"]);
    match since.and_then(|since| cluster.clock.seconds_since(since)) {
        Some(seconds) if seconds >= min_ready => Ok(()),
        Some(seconds) => Err(Some(min_ready - seconds)),
        None => Err(None),
    }
}

/// A new Pod of a template.
pub(super) fn from_template(owner: &Value, (api_version, kind): (&str, &str)) -> Value {
    let template = &owner["spec"]["template"];
    let mut metadata = json!({
        "generateName": format!("{}-", meta(owner, "name")),
        "namespace": meta(owner, "namespace"),
        "ownerReferences": [reference(owner, api_version, kind)],
    });
    for member in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template["metadata"].get(member) {
            metadata[member] = value.clone();
        }
    }
    json!({"metadata": metadata, "spec": template["spec"]})
}

/// The reference to whoever controls an object.
pub(super) fn reference(owner: &Value, api_version: &str, kind: &str) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind, "name": meta(owner, "name"),
        "uid": meta(owner, "uid"), "controller": true, "blockOwnerDeletion": true,
    })
}

/// The Pods to delete when there are too many: those that are missed least come first.
pub(super) fn dispensable(mut pods: Vec<Value>, count: usize) -> Vec<Value> {
    let rank = |pod: &Value| {
        let is_placed = text(pod, &["spec", "nodeName"]).is_some_and(|node| !node.is_empty());
        let phase = match text(pod, &["status", "phase"]) {
            Some("Running") => 2,
            Some("Unknown") => 1,
            _ => 0,
        };
        let since = ready(pod).and_then(|ready| text(ready, &["lastTransitionTime"]));
        let created = meta(pod, "creationTimestamp").to_owned();
        let ready_since = Reverse(since.unwrap_or_default().to_owned());
        (
            is_placed,
            phase,
            is_ready(pod),
            ready_since,
            Reverse(created),
        )
    };
    pods.sort_by_key(rank);
    pods.truncate(count);
    pods
}

/// Takes a finalizer off.
pub(super) fn remove_finalizer(pod: &mut Value, finalizer: &str) {
    let metadata = child_mut(pod, "metadata");
    if let Some(Value::Array(finalizers)) = metadata.get_mut("finalizers") {
        finalizers.retain(|one| one != finalizer);
    }
    fields_mut(pod);
}
