//! Conditions in the status of workloads.

use serde_json::{Value, json};

use crate::{cluster::Cluster, object::text};

/// A condition of a type.
pub(super) fn find<'a>(conditions: &'a [Value], kind: &str) -> Option<&'a Value> {
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// Sets a condition, unless it is there with the same status for the same reason. It moves to the end then, and keeps
/// the time of its last transition while its status stays.
pub(super) fn set(
    cluster: &Cluster,
    conditions: &mut Vec<Value>,
    [kind, status, reason]: [&str; 3],
    message: &str,
) {
    let now = cluster.clock.rfc3339();
    let mut since = now.clone();
    if let Some(present) = find(conditions, kind) {
        if present["status"] == status && present["reason"] == reason {
            return;
        }
        if present["status"] == status {
            text(present, &["lastTransitionTime"])
                .unwrap_or_default()
                .clone_into(&mut since);
        }
    }
    conditions.retain(|condition| condition["type"] != kind);
    conditions.push(json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": since,
    }));
}

/// The conditions of an object.
pub(super) fn of(object: &Value) -> Vec<Value> {
    let conditions = object["status"]["conditions"].as_array();
    conditions.cloned().unwrap_or_default()
}
