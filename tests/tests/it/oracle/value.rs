//! JSON values of recordings: repeated texts in, long texts out.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Longer texts are recorded by their length and digest.
const LONG: usize = 300;

/// Makes texts of `{"$repeat": [text, times]}`.
pub(crate) fn expanded(value: &Value) -> Value {
    if let Some([Value::String(text), times]) = value["$repeat"].as_array().map(Vec::as_slice) {
        let times = times.as_u64().and_then(|times| usize::try_from(times).ok());
        return json!(text.repeat(times.unwrap_or_default()));
    }
    mapped(value, expanded)
}

/// Makes `{"$len", "$sha256"}` of long texts.
pub(crate) fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > LONG => {
            let digest = Sha256::digest(text.as_bytes());
            let digest = digest.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            json!({"$len": text.chars().count(), "$sha256": digest})
        }
        other => mapped(other, shortened),
    }
}

fn mapped(value: &Value, each: impl Fn(&Value) -> Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(&each).collect(),
        Value::Object(map) => {
            let map: Map<String, Value> = map.iter().map(|(k, v)| (k.clone(), each(v))).collect();
            Value::Object(map)
        }
        scalar => scalar.clone(),
    }
}

/// Whether a value is as expected. `{"$any": […]}` is one of several; the rest is exact, with numbers
/// compared as numbers.
pub(crate) fn is_as_expected(expected: &Value, got: &Value) -> bool {
    if let Some(alternatives) = expected["$any"].as_array() {
        return alternatives.iter().any(|one| is_as_expected(one, got));
    }
    match (expected, got) {
        (Value::Array(expected), Value::Array(got)) => {
            expected.len() == got.len()
                && expected.iter().zip(got).all(|(e, g)| is_as_expected(e, g))
        }
        (Value::Object(expected), Value::Object(got)) => {
            expected.len() == got.len()
                && expected
                    .iter()
                    .all(|(key, e)| got.get(key).is_some_and(|g| is_as_expected(e, g)))
        }
        (Value::Number(expected), Value::Number(got)) => expected.as_f64() == got.as_f64(),
        (expected, got) => expected == got,
    }
}

/// Whether lists hold the same, in whatever order.
pub(crate) fn is_same_set(expected: &Value, got: &Value) -> bool {
    let (Some(expected), Some(got)) = (expected.as_array(), got.as_array()) else {
        return is_as_expected(expected, got);
    };
    let mut left: Vec<&Value> = got.iter().collect();
    expected.iter().all(|e| {
        let found = left.iter().position(|g| is_as_expected(e, g));
        found.map(|index| left.swap_remove(index)).is_some()
    }) && left.is_empty()
}
