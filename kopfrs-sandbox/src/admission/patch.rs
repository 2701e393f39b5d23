//! The JSON patches of webhooks.
//!
//! They are applied as those of clients are, but a real server tells more about those that do not apply.

use serde_json::{Value, json};

use super::{chain::Chain, denial};
use crate::{
    error::ApiError,
    object::{Form, Object, metadata_mut, text},
    patch::JsonPatch,
    registry::{Kind, Origin},
    strategy,
    verbs::decode,
};

/// Reads a patch document; `None` when it changes nothing.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Vec<Value>>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let document: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match document {
        Value::Null => Ok(None),
        Value::Array(operations) if operations.iter().all(Value::is_object) => {
            Ok((!operations.is_empty()).then_some(operations))
        }
        Value::Array(_) => {
            Err("json: cannot unmarshal into Go value of type jsonpatch.Operation".to_owned())
        }
        _ => Err("json: cannot unmarshal object into Go value of type jsonpatch.Patch".to_owned()),
    }
}

/// Applies a patch to an object that a webhook was shown, and fills in the defaults of what it added.
pub(super) fn apply(
    chain: &Chain<'_>,
    kind: &Kind,
    object: &Value,
    operations: &[Value],
) -> Result<Value, ApiError> {
    let mut made = object.clone();
    for operation in operations {
        let result = JsonPatch::decode(&json!([operation])).and_then(|one| one.apply(&mut made));
        if result.is_err() {
            return Err(denial::internal(&why(&made, operation)));
        }
    }
    if chain.is_foreign() {
        return Ok(made);
    }
    let decoded = decode::typed(kind, made, denial::internal)?;
    let mut value = decoded.value;
    if matches!(kind.origin, Origin::BuiltIn(_)) {
        strategy::view::inward(kind, &mut value);
        strategy::normalise(kind, &mut value);
        let object = Object::new(0, Form::default(), value);
        value = strategy::view::outward(kind, &object).into_owned();
    } else {
        strategy::metadata::clean(metadata_mut(&mut value));
    }
    Ok(kind.typed(&value))
}

/// Why an operation does not apply.
fn why(document: &Value, operation: &Value) -> String {
    let name = text(operation, &["op"]).unwrap_or_default();
    let path = text(operation, &["path"]);
    let Some(path) = path else {
        return format!("{name} operation failed to decode path: missing value");
    };
    let missing = |at: &str| format!("{name} operation does not apply: doc is missing {at}");
    match name {
        "add" | "remove" if parent(document, path).is_none() => {
            missing(&format!("path: {path:?}: missing value"))
        }
        "add" => format!("error in add for path: '{path}': {}", index(document, path)),
        "remove" => format!(
            "error in remove for path: '{path}': {}",
            absent(document, path)
        ),
        "replace" if parent(document, path).is_none() => {
            missing(&format!("path: {path}: missing value"))
        }
        "replace" => missing(&format!("key: {path}: missing value")),
        "test" if parent(document, path).is_none() => {
            format!("test operation does not apply: is missing path: {path}: missing value")
        }
        "test" => format!("testing value {path} failed: test failed"),
        "move" | "copy" => {
            let from = text(operation, &["from"]).unwrap_or_default();
            let known = |pointer: &str| document.pointer(pointer).is_some();
            match (known(from), parent(document, from).is_some()) {
                (true, _) => missing(&format!("destination path: {path}: missing value")),
                (false, true) => format!(
                    "error in {name} for path: '{}': {}",
                    last(from),
                    absent(document, from)
                ),
                (false, false) => missing(&format!("from path: {from}: missing value")),
            }
        }
        other => format!("Unexpected kind: {other}"),
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// What a member is put into, if that can hold members.
fn parent<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    let (above, _) = path.rsplit_once('/')?;
    document
        .pointer(above)
        .filter(|value| value.is_object() || value.is_array())
}

fn absent(document: &Value, path: &str) -> String {
    match parent(document, path) {
        Some(Value::Array(_)) => index(document, path),
        _ => format!(
            "Unable to remove nonexistent key: {}: missing value",
            last(path)
        ),
    }
}

fn index(document: &Value, path: &str) -> String {
    let key = last(path);
    let is_list = parent(document, path).is_some_and(Value::is_array);
    match key.parse::<i64>() {
        Ok(index) if is_list => {
            format!("Unable to access invalid index: {index}: invalid index referenced")
        }
        _ => format!(
            "value was not a proper array index: '{key}': strconv.Atoi: parsing {key:?}: invalid syntax"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_that_do_not_apply_say_why() {
        let document = json!({"a": {"b": 1}, "l": [1]});
        let rows = [
            (
                json!({"op": "add", "path": "/x/y", "value": 1}),
                "add operation does not apply: doc is missing path: \"/x/y\": missing value",
            ),
            (
                json!({"op": "add", "path": "/l/7", "value": 1}),
                "error in add for path: '/l/7': Unable to access invalid index: 7: invalid index referenced",
            ),
            (
                json!({"op": "remove", "path": "/a/c"}),
                "error in remove for path: '/a/c': Unable to remove nonexistent key: c: missing value",
            ),
            (
                json!({"op": "replace", "path": "/x/y", "value": 1}),
                "replace operation does not apply: doc is missing path: /x/y: missing value",
            ),
            (
                json!({"op": "test", "path": "/a/b", "value": 2}),
                "testing value /a/b failed: test failed",
            ),
            (json!({"op": "frob", "path": "/a"}), "Unexpected kind: frob"),
        ];
        for (operation, expected) in rows {
            assert_eq!(why(&document, &operation), expected);
        }
    }

    #[test]
    fn documents_are_lists_of_operations() {
        assert!(decode(b"[]").is_ok_and(|none| none.is_none()));
        assert!(decode(b"[{\"op\":\"add\"}]").is_ok_and(|some| some.is_some()));
        assert!(decode(b"{}").is_err() && decode(b"nonsense").is_err());
    }
}
