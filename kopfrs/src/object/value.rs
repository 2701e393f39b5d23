//! Equality and digests of JSON values that do not depend on how numbers were written or on the
//! order of keys (other crates may turn on `serde_json/preserve_order`).

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Whether two values mean the same: numbers compare by value (`1` and `1.0` are the same, since
/// servers may rewrite one as the other), everything else by structure.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

/// A short, stable fingerprint of a value: the same for values that are [`equal`].
pub(crate) fn digest(value: &Value) -> String {
    let mut hasher = Sha256::new();
    feed(&mut hasher, value);
    hasher
        .finalize()
        .iter()
        .take(12)
        .fold(String::with_capacity(24), |mut text, byte| {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Hashes a value by structure; every piece is tagged and sized, so that no two values collide by
/// concatenation.
fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(true) => hasher.update(b"t"),
        Value::Bool(false) => hasher.update(b"f"),
        Value::Number(number) => {
            let text = match number.as_f64() {
                Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                    format!("{:.0}", float + 0.0) // no "-0"
                }
                _ => number.to_string(),
            };
            text_piece(hasher, b'0', &text);
        }
        Value::String(text) => text_piece(hasher, b's', text),
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                feed(hasher, item);
            }
            hasher.update(b"]");
        }
        Value::Object(map) => {
            hasher.update(b"{");
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort_unstable();
            for key in keys {
                text_piece(hasher, b'k', key);
                feed(hasher, &map[key]);
            }
            hasher.update(b"}");
        }
    }
}

fn text_piece(hasher: &mut Sha256, tag: u8, text: &str) {
    hasher.update([tag]);
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equality_and_digests_agree() {
        let rows = [
            (json!(1), json!(1.0), true),
            (json!(1), json!(true), false),
            (json!(0), json!(false), false),
            (json!({"a": 1, "b": 2}), json!({"b": 2.0, "a": 1}), true),
            (json!([1, 2]), json!([2, 1]), false),
            (json!(["ab", "c"]), json!(["a", "bc"]), false),
            (json!(null), json!("null"), false),
            (json!({"a": null}), json!({}), false),
            (json!(0.5), json!(0.5), true),
            (json!("1"), json!(1), false),
        ];
        for (a, b, same) in rows {
            assert_eq!(equal(&a, &b), same, "{a} {b}");
            assert_eq!(digest(&a) == digest(&b), same, "{a} {b}");
        }
    }
}
