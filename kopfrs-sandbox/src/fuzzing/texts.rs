//! Everything that is read from text or bytes: formats, selectors, queries, times, expressions.

use http::Method;
use serde_json::{Value, json};

use crate::{
    clock::parse_rfc3339,
    http::{query::Query, request::RequestInfo},
    object::normalise_numbers,
    schema,
    selector::LabelSelector,
    verbs::decode::{self, Format},
};

/// Reads bytes as everything that is read; the first byte says as what.
///
/// # Panics
///
/// When reading panics, or what was read cannot be written.
pub fn texts(input: &[u8]) {
    let Some((what, bytes)) = input.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(bytes);
    match what % 8 {
        0 => read(bytes, Format::Json),
        1 => read(bytes, Format::Yaml),
        2 => read(bytes, Format::Protobuf),
        3 => {
            if let Ok(selector) = LabelSelector::parse(&text) {
                selector.matches(&json!({"metadata": {"labels": {"a": "b", "n": "7"}}}));
            }
        }
        4 => {
            let (path, query) = text.split_once('?').unwrap_or((&text, ""));
            RequestInfo::parse(&Method::GET, path, &Query::parse(query));
        }
        5 => drop(parse_rfc3339(&text)),
        6 => {
            let rule = json!({"x-kubernetes-validations": [{"rule": text}]});
            schema::compile_errors(&rule);
        }
        _ => pruned(bytes),
    }
}

fn read(bytes: &[u8], format: Format) {
    if let Ok(value) = decode::parse(bytes, format) {
        let written = serde_json::to_vec(&value).expect("values are JSON");
        let again: Value = serde_json::from_slice(&written).expect("what is written can be read");
        let mut again = again;
        normalise_numbers(&mut again);
        assert!(alike(&again, &value), "{again} {value}");
    }
}

/// Equality, but for the last digit of floats, which are not read to the last bit.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else {
                return false;
            };
            (one - other).abs() <= one.abs() * 1e-14
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let mut members = one.iter();
            one.len() == other.len()
                && members.all(|(name, one)| other.get(name).is_some_and(|other| alike(one, other)))
        }
        (one, other) => one == other,
    }
}

/// A schema, a line's end, and a value.
fn pruned(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let mut value = || serde_json::from_slice::<Value>(lines.next()?).ok();
    let (Some(schema), Some(mut value)) = (value(), value()) else {
        return;
    };
    let schema = schema::Schema::parse(&schema);
    schema::prune(&mut value, &schema);
    assert!(schema::prune(&mut value, &schema).is_empty(), "pruned once");
    schema::apply_defaults(&mut value, &schema);
}
