//! Reading and changing the well-known parts of untyped objects.
//!
//! Called by everything that handles stored objects. It knows the layout of `metadata` and nothing about kinds.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value};

/// A JSON object's members.
pub(crate) type Fields = Map<String, Value>;

/// What a state of a custom resource was made for; empty for built-in kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Which state of the definition it was normalised by.
    pub(crate) schema: u64,
    /// The version it is of; unknown where it was written before that was kept.
    pub(crate) version: Option<Arc<str>>,
}

/// One stored state of an object, without `apiVersion` and `kind`: those belong to the version it is read in.
#[derive(Debug)]
pub(crate) struct Object {
    /// The revision that wrote this state.
    pub(crate) revision: u64,
    pub(crate) form: Form,
    /// The state, `metadata.resourceVersion` included.
    pub(crate) value: Value,
    json: OnceLock<Bytes>,
    /// The same state in other forms, as a webhook has made it.
    converted: Mutex<Vec<Arc<Object>>>,
}

impl Object {
    pub(crate) fn new(revision: u64, form: Form, value: Value) -> Self {
        Self {
            revision,
            form,
            value,
            json: OnceLock::new(),
            converted: Mutex::default(),
        }
    }

    /// The same state in another form, if it is known.
    pub(crate) fn converted(&self, form: &Form) -> Option<Arc<Self>> {
        let known = self
            .converted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|other| other.form == *form).cloned()
    }

    /// Keeps the same state in another form; those of earlier definitions are of no use any more.
    pub(crate) fn keep(&self, other: Arc<Self>) {
        let mut known = self
            .converted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known.form.schema == other.form.schema && known.form != other.form);
        known.push(other);
    }

    /// The state as JSON text, serialised once for all readers.
    pub(crate) fn json(&self) -> &Bytes {
        self.json.get_or_init(|| to_json(&self.value))
    }
}

/// Serialises a value; a `Value` has no way to fail.
pub(crate) fn to_json(value: &Value) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

/// Follows member names.
pub(crate) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// Follows member names to a string.
pub(crate) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path).and_then(Value::as_str)
}

/// A string of `metadata`, empty when absent.
pub(crate) fn meta<'a>(value: &'a Value, name: &str) -> &'a str {
    text(value, &["metadata", name]).unwrap_or_default()
}

/// The members of `metadata`, which is made when absent.
pub(crate) fn metadata_mut(value: &mut Value) -> &mut Fields {
    child_mut(value, "metadata")
}

/// The members of an object member, which is made (or replaced when it is no object).
pub(crate) fn child_mut<'a>(value: &'a mut Value, name: &str) -> &'a mut Fields {
    let child = fields_mut(value)
        .entry(name)
        .or_insert_with(|| Value::Object(Fields::new()));
    fields_mut(child)
}

/// The members of a value, which becomes an object when it is none.
pub(crate) fn fields_mut(value: &mut Value) -> &mut Fields {
    if !value.is_object() {
        *value = Value::Object(Fields::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("made an object above"),
    }
}

/// The strings of an array in `metadata`.
pub(crate) fn meta_list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    let list = at(value, &["metadata", name]).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether deletion was asked for.
pub(crate) fn is_deleting(value: &Value) -> bool {
    !meta(value, "deletionTimestamp").is_empty()
}

/// The storage key: `namespace/name`, or the name alone. Ordered like etcd orders a real server's keys.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}/{name}")
    }
}

/// The key of an object.
pub(crate) fn key_of(value: &Value) -> String {
    key(meta(value, "namespace"), meta(value, "name"))
}

/// Go's JSON encoder writes integral floats as integers (2.0 as 2), so stored numbers are kept that way.
pub(crate) fn normalise_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
                return;
            };
            // 2^53: beyond it floats are not exact integers anyway.
            if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 {
                #[expect(clippy::cast_possible_truncation, reason = "integral and within 2^53")]
                let integer = float as i64;
                *value = Value::from(integer);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise_numbers),
        Value::Object(fields) => fields.values_mut().for_each(normalise_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integral_floats_become_integers() {
        let mut value: Value =
            serde_json::from_str(r#"{"a":2.0,"b":1e3,"c":1.5,"d":[9007199254740993]}"#)
                .expect("json");
        normalise_numbers(&mut value);
        assert_eq!(
            value,
            json!({"a": 2, "b": 1000, "c": 1.5, "d": [9_007_199_254_740_993_i64]})
        );
    }
}
