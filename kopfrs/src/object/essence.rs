//! The essence of an object: what a user cares about, compared to find out what has changed.
//!
//! Everything but the identity, the system's metadata, the status, and the state that operators
//! keep in annotations (ours, Kopf's, and of whoever marks theirs with `<prefix>/kopf-managed`):
//! two operators must not take each other's bookkeeping for a change.

use serde_json::{Map, Value};

use super::{Body, FieldPath};

/// The marker annotation by which operators declare their prefix, after Kopf's convention.
pub(crate) const MARKER: &str = "kopf-managed";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const KNOWN_PREFIXES: [&str; 2] = ["kopfrs.dev", "kopf.zalando.org"];

/// Builds the essence of a body. `fields` are those that handlers ask for with `field =`: they are
/// compared even where they are outside of the usual essence (in the status, say).
pub(crate) fn essence(body: &Body, fields: &[FieldPath]) -> Value {
    let Value::Object(object) = body.as_value() else {
        return Value::Object(Map::new());
    };
    let mut essence: Map<String, Value> = object
        .iter()
        .filter(|(key, _)| !matches!(&***key, "apiVersion" | "kind" | "metadata" | "status"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut metadata = Map::new();
    if let Some(labels) = body.labels().as_object().filter(|map| !map.is_empty()) {
        metadata.insert("labels".to_owned(), labels.clone().into());
    }
    let annotations = user_annotations(body);
    if !annotations.is_empty() {
        metadata.insert("annotations".to_owned(), annotations.into());
    }
    if !metadata.is_empty() {
        essence.insert("metadata".to_owned(), metadata.into());
    }
    let mut essence = Value::Object(essence);
    for field in fields {
        add_field(&mut essence, body, field);
    }
    if body.kind() == "Secret" && body.api_version() == "v1" {
        hide_secrets(&mut essence);
    }
    essence
}

/// Leaves out the annotations under one more prefix.
pub(crate) fn leave_out(essence: &mut Value, prefix: &str) {
    let Some(Value::Object(annotations)) = essence.pointer_mut("/metadata/annotations") else {
        return;
    };
    annotations.retain(|key, _| !is_under(key, prefix));
    if annotations.is_empty() {
        FieldPath::new(["metadata", "annotations"]).remove(essence);
        if essence["metadata"].as_object().is_some_and(Map::is_empty) {
            FieldPath::new(["metadata"]).remove(essence);
        }
    }
}

/// Copies a tracked field into the essence where it is not a part of it anyway.
fn add_field(essence: &mut Value, body: &Body, field: &FieldPath) {
    if !is_usual(field)
        && let Some(value) = body.get(field)
    {
        field.set(essence, value.clone());
    }
    // What changes with each write is no essence, or own writes would be changes.
    for system in ["resourceVersion", "generation", "managedFields"] {
        FieldPath::new(["metadata", system]).remove(essence);
    }
}

/// Whether a field is a part of the essence whether somebody asks for it or not.
pub(crate) fn is_usual(field: &FieldPath) -> bool {
    let mut segments = field.segments();
    match (segments.next(), segments.next()) {
        (Some("metadata"), Some("labels" | "annotations")) => true,
        (Some("metadata" | "status" | "apiVersion" | "kind"), _) => false,
        _ => true,
    }
}

/// The annotations of an object less those that operators and kubectl keep for themselves.
fn user_annotations(body: &Body) -> Map<String, Value> {
    let Some(annotations) = body.annotations().as_object() else {
        return Map::new();
    };
    let declared: Vec<&str> = annotations
        .keys()
        .filter_map(|key| key.strip_suffix(MARKER)?.strip_suffix('/'))
        .chain(KNOWN_PREFIXES)
        .collect();
    annotations
        .iter()
        .filter(|(key, _)| **key != LAST_APPLIED && !declared.iter().any(|p| is_under(key, p)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Whether an annotation's key is of a prefix or of a subdomain of it.
fn is_under(key: &str, prefix: &str) -> bool {
    key.split_once('/').is_some_and(|(domain, _)| {
        domain == prefix
            || domain
                .strip_suffix(prefix)
                .is_some_and(|subdomain| subdomain.ends_with('.'))
    })
}

/// Replaces the data of a Secret by digests, leaf by leaf: it must never be copied to a place that
/// more people can read.
fn hide_secrets(essence: &mut Value) {
    for key in ["data", "stringData"] {
        for leaf in essence[key]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
        {
            *leaf = Value::String(format!("sha256:{}", super::digest(leaf)));
        }
        if essence[key].is_null() {
            FieldPath::new([key]).remove(essence);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "rows are written as values")]
    fn check(body: Value, fields: &[&str], expected: Value) {
        let fields: Vec<FieldPath> = fields.iter().map(|f| f.parse().unwrap()).collect();
        assert_eq!(essence(&Body::new(body), &fields), expected);
    }

    #[test]
    fn the_essence_is_what_users_write() {
        check(
            json!({
                "apiVersion": "v1", "kind": "X", "status": {"a": 1}, "spec": {"b": 2}, "data": {"c": 3},
                "metadata": {"name": "n", "uid": "u", "labels": {"l": "1"}, "annotations": {}, "finalizers": ["f"]},
            }),
            &[],
            json!({"spec": {"b": 2}, "data": {"c": 3}, "metadata": {"labels": {"l": "1"}}}),
        );
        check(json!({"metadata": {"labels": {}}}), &[], json!({}));
    }

    #[test]
    fn the_state_of_operators_and_of_kubectl_is_no_essence() {
        check(
            json!({"metadata": {"annotations": {
                "keep": "me", "example.com/keep": "me",
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "kopf.zalando.org/last-handled-configuration": "{}",
                "sub.kopf.zalando.org/x": "y", "kopfrs.dev/progress": "{}",
                "other.example.com/kopf-managed": "yes", "other.example.com/last": "{}",
            }}}),
            &[],
            json!({"metadata": {"annotations": {"keep": "me", "example.com/keep": "me"}}}),
        );
    }

    #[test]
    fn tracked_fields_extend_the_essence() {
        check(
            json!({"spec": {"a": 1}, "status": {"x": 1, "y": 2}, "metadata": {"finalizers": ["f"]}}),
            &[
                "status.x",
                "metadata.finalizers",
                "metadata.resourceVersion",
                "spec.a",
                "status.absent",
            ],
            json!({"spec": {"a": 1}, "status": {"x": 1}, "metadata": {"finalizers": ["f"]}}),
        );
    }

    #[test]
    fn secrets_are_kept_as_digests_only() {
        let body = |v: &str| {
            Body::new(json!({"apiVersion": "v1", "kind": "Secret", "data": {"password": v}}))
        };
        let (one, two) = (essence(&body("aGk="), &[]), essence(&body("aG8="), &[]));
        assert!(!one.to_string().contains("aGk="));
        assert_ne!(one, two);
        assert_eq!(one, essence(&body("aGk="), &[]));
        assert_eq!(one.as_object().unwrap().len(), 1);
    }
}
