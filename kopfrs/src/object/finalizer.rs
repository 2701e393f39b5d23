//! Adding and removing our own finalizer without touching those of others.
//!
//! JSON patches whose `test` operations make the server refuse them (422) if the list has changed
//! since, so that they are built anew on a fresh object. The uid is tested too: a patch never hits
//! another object of the same name.

use serde_json::{Value, json};

use super::Body;

/// The patch that appends a finalizer; `None` if it is there already.
pub(crate) fn addition(body: &Body, finalizer: &str) -> Option<Value> {
    if body.has_finalizer(finalizer) {
        return None;
    }
    let present = &body.meta()["finalizers"];
    let add = if present.as_array().is_some_and(|list| !list.is_empty()) {
        json!({"op": "add", "path": "/metadata/finalizers/-", "value": finalizer})
    } else {
        json!({"op": "add", "path": "/metadata/finalizers", "value": [finalizer]})
    };
    Some(json!([
        test_uid(body),
        {"op": "test", "path": "/metadata/finalizers", "value": present},
        add,
    ]))
}

/// The patch that removes a finalizer; `None` if it is not there.
pub(crate) fn removal(body: &Body, finalizer: &str) -> Option<Value> {
    let index = body.finalizers().position(|f| f == finalizer)?;
    let path = format!("/metadata/finalizers/{index}");
    Some(json!([
        test_uid(body),
        {"op": "test", "path": path, "value": finalizer},
        {"op": "remove", "path": path},
    ]))
}

/// The finalizers of an object but one.
pub(crate) fn others(body: &Body, finalizer: &str) -> Vec<Value> {
    body.finalizers()
        .filter(|f| *f != finalizer)
        .map(Value::from)
        .collect()
}

fn test_uid(body: &Body) -> Value {
    json!({"op": "test", "path": "/metadata/uid", "value": body.uid()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "rows are written as values")]
    fn body(finalizers: Value) -> Body {
        Body::new(json!({"metadata": {"uid": "u", "finalizers": finalizers}}))
    }

    #[test]
    fn only_the_own_finalizer_is_added_or_removed() {
        assert_eq!(addition(&body(json!(["a", "own"])), "own"), None);
        assert_eq!(removal(&body(json!(["a"])), "own"), None);
        assert_eq!(
            addition(&body(json!(["a"])), "own").unwrap()[2],
            json!({"op": "add", "path": "/metadata/finalizers/-", "value": "own"})
        );
        assert_eq!(
            addition(&body(Value::Null), "own")
                .unwrap()
                .as_array()
                .unwrap()[1..],
            [
                json!({"op": "test", "path": "/metadata/finalizers", "value": null}),
                json!({"op": "add", "path": "/metadata/finalizers", "value": ["own"]}),
            ]
        );
        assert_eq!(
            removal(&body(json!(["a", "own"])), "own")
                .unwrap()
                .as_array()
                .unwrap()[1..],
            [
                json!({"op": "test", "path": "/metadata/finalizers/1", "value": "own"}),
                json!({"op": "remove", "path": "/metadata/finalizers/1"}),
            ]
        );
    }
}
