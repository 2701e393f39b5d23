//! What mutate handlers have asked for, as the operations that the API server applies to the object it has shown.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::handler::{ErrorKind, HandlerError};
use crate::object::{Change, merge};

/// The operations of a JSON patch that makes the changes to an object; empty if it is that way already.
pub(super) fn operations(object: &Value, change: &Change) -> Result<Value, HandlerError> {
    let mut changed = object.clone();
    if !change.merge.is_null() {
        merge::apply(&mut changed, &change.merge);
    }
    for transform in &change.transforms {
        let applied = catch_unwind(AssertUnwindSafe(|| transform(&mut changed)));
        applied.map_err(|panic| HandlerError::of_panic(&*panic))?;
    }
    let operations = json_patch::diff(object, &changed);
    serde_json::to_value(operations)
        .map_err(|error| HandlerError::new(ErrorKind::Permanent, error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Patch;

    #[test]
    fn merges_and_transformations_become_one_patch() {
        let object = json!({"metadata": {"labels": {"a/b": "1", "c": "2"}}, "spec": {"list": [1, 2], "same": 1}});
        let patch = Patch::new();
        patch.merge(json!({"metadata": {"labels": {"a/b": null, "d": "3"}}, "spec": {"same": 1}}));
        patch.transform(|body| {
            if let Some(list) = body["spec"]["list"].as_array_mut() {
                list.insert(0, json!(0));
            }
        });
        let operations = operations(&object, &patch.take()).unwrap();
        let mut patched = object.clone();
        let parsed: json_patch::Patch = serde_json::from_value(operations).unwrap();
        json_patch::patch(&mut patched, &parsed).unwrap();
        let expected = json!({"metadata": {"labels": {"c": "2", "d": "3"}}, "spec": {"list": [0, 1, 2], "same": 1}});
        assert_eq!(patched, expected);
    }

    #[test]
    fn what_is_there_already_is_not_asked_for() {
        let patch = Patch::new();
        patch.spec(json!({"size": 1, "gone": null}));
        let object = json!({"spec": {"size": 1}});
        assert_eq!(operations(&object, &patch.take()).unwrap(), json!([]));
    }

    #[test]
    fn a_transformation_that_panics_is_an_error() {
        let patch = Patch::new();
        patch.transform(|_| panic!("oh no"));
        let error = operations(&json!({}), &patch.take()).unwrap_err();
        assert_eq!(error.message(), "panicked: oh no");
    }
}
