//! JSON patch, RFC 6902, with the liberties of the library a real server uses.
//!
//! `test` for null passes on a missing path, `replace` of a missing member adds it, `remove` of one fails. kube-rs's
//! finalizer helper depends on the first of these.

use serde_json::{Value, json};

use crate::error::ApiError;

/// Operations of one patch at most, as with a real server.
const OPERATIONS: usize = 10_000;
/// Bytes that the copies of one patch may add at most, as with a real server.
const COPIED: usize = 3 * 1024 * 1024;
/// How deep a patched object may be: as deep as one that is read.
const DEPTH: usize = 127;

/// A decoded patch document.
#[derive(Debug)]
pub(crate) struct JsonPatch {
    operations: Vec<Value>,
}

/// Why an operation is not applied.
enum Failed {
    /// It does not fit the object, or copies too much; a real server does not say why.
    Unfit,
    TooDeep,
}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unfit => Self::patch_failed(),
            Failed::TooDeep => Self::bad_request("exceeded max depth"),
        }
    }
}

impl JsonPatch {
    pub(crate) fn decode(document: &Value) -> Result<Self, ApiError> {
        match document {
            Value::Array(operations) if operations.len() > OPERATIONS => {
                let message = format!(
                    "Request entity too large: The allowed maximum operations in a JSON patch is {OPERATIONS}, got {}",
                    operations.len()
                );
                Err(ApiError::new(
                    413,
                    "RequestEntityTooLarge",
                    message,
                    Some(json!({})),
                ))
            }
            Value::Array(operations) if operations.iter().all(Value::is_object) => Ok(Self {
                operations: operations.clone(),
            }),
            Value::Null => Ok(Self {
                operations: Vec::new(),
            }),
            _ => Err(ApiError::bad_request(
                "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
            )),
        }
    }

    /// Members of operations that RFC 6902 does not know, as a strict decoder names them.
    pub(crate) fn unknown_fields(&self) -> Vec<String> {
        let known = ["op", "path", "from", "value"];
        let of = |(index, operation): (usize, &Value)| -> Vec<String> {
            let names = operation
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name);
            names
                .filter(|name| !known.contains(&name.as_str()))
                .map(|name| format!("[{index}].{name}"))
                .collect()
        };
        self.operations.iter().enumerate().flat_map(of).collect()
    }

    /// Applies all operations or none.
    pub(crate) fn apply(&self, target: &mut Value) -> Result<(), ApiError> {
        let mut document = Document {
            root: target.clone(),
            copied: 0,
        };
        for operation in &self.operations {
            document.apply(operation)?;
        }
        *target = document.root;
        Ok(())
    }
}

/// An object while it is patched.
struct Document {
    root: Value,
    /// The bytes that copies have added.
    copied: usize,
}

impl Document {
    fn apply(&mut self, operation: &Value) -> Result<(), Failed> {
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        let pointer = |name: &str| parse(text(name).ok_or(Failed::Unfit)?);
        let path = pointer("path")?;
        let value = || operation.get("value").cloned().unwrap_or_default();
        match text("op") {
            Some("add") => self.put(&path, value(), add),
            Some("remove") => remove(&mut self.root, &path).map(drop),
            Some("replace") => self.put(&path, value(), replace),
            Some("move") => {
                let moved = remove(&mut self.root, &pointer("from")?)?;
                self.put(&path, moved, add)
            }
            Some("copy") => {
                let source = found(&self.root, &pointer("from")?)?;
                self.copied += size(source);
                if self.copied > COPIED {
                    return Err(Failed::Unfit);
                }
                let copied = source.clone();
                self.put(&path, copied, add)
            }
            Some("test") => {
                let found = found(&self.root, &path)?;
                let wanted = operation.get("value").unwrap_or(&Value::Null);
                same(found, wanted).then_some(()).ok_or(Failed::Unfit)
            }
            _ => Err(Failed::Unfit),
        }
    }

    /// Puts a value somewhere, if the object does not get too deep by that.
    fn put(
        &mut self,
        path: &[String],
        value: Value,
        how: impl Fn(&mut Value, &[String], Value) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        if path.len() + depth(&value) > DEPTH {
            return Err(Failed::TooDeep);
        }
        how(&mut self.root, path, value)
    }
}

/// How many levels of lists and objects there are. Called for what has been read or checked: not too deep to recurse.
fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    1 + inner.unwrap_or(0)
}

/// The bytes of a value as compact JSON, but for escapes.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text.len() + 2,
        Value::Array(items) => {
            items
                .iter()
                .map(|item| size(item) + 1)
                .sum::<usize>()
                .max(1)
                + 1
        }
        Value::Object(fields) => {
            let members = fields.iter();
            let members = members.map(|(name, value)| name.len() + 4 + size(value));
            members.sum::<usize>().max(1) + 1
        }
    }
}

fn parse(pointer: &str) -> Result<Vec<String>, Failed> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    // Whatever stands before the first slash is not looked at.
    let (_, rest) = pointer.split_once('/').ok_or(Failed::Unfit)?;
    Ok(rest
        .split('/')
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect())
}

/// Equality by value, so that 1 and 1.0 are the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// The place of an element; negative numbers count from the end.
fn index(items: &[Value], part: &str) -> Option<usize> {
    place(part, items.len()).filter(|index| *index < items.len())
}

fn place(part: &str, length: usize) -> Option<usize> {
    let number: i64 = part.parse().ok()?;
    if number < 0 {
        return length.checked_sub(usize::try_from(number.unsigned_abs()).ok()?);
    }
    usize::try_from(number).ok()
}

fn step<'a>(value: &'a Value, part: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(part),
        Value::Array(items) => items.get(index(items, part)?),
        _ => None,
    }
}

fn find<'a>(target: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter()
        .try_fold(target, |value, part| step(value, part))
}

/// What a path leads to; a member that is not there is null, where it could be.
fn found<'a>(target: &'a Value, path: &[String]) -> Result<&'a Value, Failed> {
    let Some((last, parents)) = path.split_last() else {
        return Ok(target);
    };
    match find(target, parents).ok_or(Failed::Unfit)? {
        Value::Object(fields) => Ok(fields.get(last).unwrap_or(&Value::Null)),
        other => step(other, last).ok_or(Failed::Unfit),
    }
}

fn find_mut<'a>(target: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(target, |value, part| match value {
        Value::Object(fields) => fields.get_mut(part),
        Value::Array(items) => {
            let index = index(items, part)?;
            items.get_mut(index)
        }
        _ => None,
    })
}

fn add(target: &mut Value, path: &[String], value: Value) -> Result<(), Failed> {
    let (last, parents) = path.split_last().ok_or(Failed::Unfit)?;
    match find_mut(target, parents) {
        Some(Value::Object(fields)) => {
            fields.insert(last.clone(), value);
            Ok(())
        }
        Some(Value::Array(items)) if last == "-" => {
            items.push(value);
            Ok(())
        }
        Some(Value::Array(items)) => {
            let at = place(last, items.len() + 1).ok_or(Failed::Unfit)?;
            if at > items.len() {
                return Err(Failed::Unfit);
            }
            items.insert(at, value);
            Ok(())
        }
        _ => Err(Failed::Unfit),
    }
}

fn remove(target: &mut Value, path: &[String]) -> Result<Value, Failed> {
    let (last, parents) = path.split_last().ok_or(Failed::Unfit)?;
    match find_mut(target, parents) {
        Some(Value::Object(fields)) => fields.remove(last).ok_or(Failed::Unfit),
        Some(Value::Array(items)) => {
            let at = index(items, last).ok_or(Failed::Unfit)?;
            Ok(items.remove(at))
        }
        _ => Err(Failed::Unfit),
    }
}

fn replace(target: &mut Value, path: &[String], value: Value) -> Result<(), Failed> {
    match path.split_last() {
        None => *target = value,
        Some((last, parents)) => match find_mut(target, parents) {
            Some(Value::Object(fields)) => {
                fields.insert(last.clone(), value);
            }
            Some(Value::Array(items)) => {
                let at = index(items, last).ok_or(Failed::Unfit)?;
                items[at] = value;
            }
            _ => return Err(Failed::Unfit),
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(mut target: Value, operations: &Value) -> Option<Value> {
        JsonPatch::decode(operations)
            .ok()?
            .apply(&mut target)
            .ok()?;
        Some(target)
    }

    #[test]
    fn operations_apply_like_on_a_real_server() {
        let base = || json!({"list": [1, 2], "m": {"x": "1"}, "a/b": 1});
        let rows = [
            (
                json!([{"op": "test", "path": "/none", "value": null}]),
                Some(base()),
            ),
            (json!([{"op": "test", "path": "/m/x", "value": "2"}]), None),
            (json!([{"op": "remove", "path": "/none"}]), None),
            (
                json!([{"op": "replace", "path": "/none", "value": 1}]),
                Some(json!({"list": [1, 2], "m": {"x": "1"}, "a/b": 1, "none": 1})),
            ),
            (
                json!([{"op": "add", "path": "/list/-", "value": 3}, {"op": "add", "path": "/list/0", "value": 0}]),
                Some(json!({"list": [0, 1, 2, 3], "m": {"x": "1"}, "a/b": 1})),
            ),
            (json!([{"op": "add", "path": "/list/5", "value": 3}]), None),
            (
                json!([{"op": "add", "path": "/none/deep", "value": 3}]),
                None,
            ),
            (
                json!([{"op": "replace", "path": "/a~1b", "value": 2}]),
                Some(json!({"list": [1, 2], "m": {"x": "1"}, "a/b": 2})),
            ),
            (
                json!([{"op": "move", "from": "/m/x", "path": "/y"}]),
                Some(json!({"list": [1, 2], "m": {}, "a/b": 1, "y": "1"})),
            ),
            (
                json!([{"op": "copy", "from": "/m", "path": "/n"}]),
                Some(json!({"list": [1, 2], "m": {"x": "1"}, "n": {"x": "1"}, "a/b": 1})),
            ),
            (
                json!([{"op": "add", "path": "/list/-1", "value": 3}, {"op": "remove", "path": "/list/-2"}]),
                Some(json!({"list": [1, 3], "m": {"x": "1"}, "a/b": 1})),
            ),
            (
                json!([{"op": "copy", "from": "/none", "path": "/n"}]),
                Some(json!({"list": [1, 2], "m": {"x": "1"}, "n": null, "a/b": 1})),
            ),
            (
                json!([{"op": "test", "path": "/list/5", "value": null}]),
                None,
            ),
            (json!([{"op": "add", "path": "", "value": {}}]), None),
            (json!([{"op": "frobnicate", "path": "/m"}]), None),
            (
                json!([{"op": "remove", "path": "/m/x"}, {"op": "test", "path": "/m/x", "value": "1"}]),
                None,
            ),
        ];
        for (operations, expected) in rows {
            assert_eq!(patched(base(), &operations), expected, "{operations}");
        }
        assert!(JsonPatch::decode(&json!({"op": "add"})).is_err());
    }
}
