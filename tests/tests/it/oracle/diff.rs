//! What differs, for people to read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::calls::Calls;
use super::value::{is_as_expected, is_same_set};

/// How much of a value is shown.
const WIDTH: usize = 400;

/// Differences of two objects, key by key. Finalizers have no order.
pub(crate) fn of_objects(what: &str, expected: &Value, got: &Value) -> Option<String> {
    let empty = serde_json::Map::new();
    let (Some(wanted), found) = (expected.as_object(), got.as_object().unwrap_or(&empty)) else {
        return Some(format!("{what}: {expected} is no expectation"));
    };
    let keys: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    let mut lines = Vec::new();
    for key in keys {
        let (expected, got) = (&expected[key], &got[key]);
        let is_same = if key == "finalizers" {
            is_same_set(expected, got)
        } else {
            is_as_expected(expected, got)
        };
        if !is_same {
            lines.push(compared(key, expected, got));
        }
    }
    (!lines.is_empty()).then(|| format!("{what}\n{}", lines.join("\n")))
}

/// Differences of the calls of all objects.
pub(crate) fn of_calls(expected: &BTreeMap<String, Vec<Value>>, got: &Calls) -> Vec<String> {
    let objects: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    let findings = objects.into_iter().filter_map(|object| {
        let empty = Vec::new();
        let expected = expected.get(object).unwrap_or(&empty);
        let got = got.get(object).unwrap_or(&empty);
        let mut lines = Vec::new();
        for index in 0..expected.len().max(got.len()) {
            lines.extend(of_call(index, expected.get(index), got.get(index)));
        }
        let differences = (!lines.is_empty()).then(|| lines.join("\n"))?;
        let (expected, got) = (listed(expected.iter()), listed(got.iter()));
        Some(format!(
            "calls of {object}\n expected:\n{expected}\n got:\n{got}\n differences:\n{differences}"
        ))
    });
    findings.collect()
}

/// Differences of the calls of single handlers, in the given fields only.
pub(crate) fn of_calls_of(
    expected: &BTreeMap<String, BTreeMap<String, Vec<Value>>>,
    got: &Calls,
) -> Vec<String> {
    let mut findings = Vec::new();
    for (object, handlers) in expected {
        for (handler, expected) in handlers {
            let calls = got.get(object).into_iter().flatten();
            let calls: Vec<&Value> = calls.filter(|call| call["handler"] == **handler).collect();
            let is_same = calls.len() == expected.len()
                && expected.iter().zip(&calls).all(|(expected, call)| {
                    let mut fields = expected.as_object().into_iter().flatten();
                    fields.all(|(key, value)| is_as_expected(value, &call[key]))
                });
            if !is_same {
                let expected: Vec<String> = expected.iter().map(|e| format!("  {e}")).collect();
                findings.push(format!(
                    "calls of {handler} for {object}\n expected:\n{}\n got:\n{}",
                    expected.join("\n"),
                    listed(calls.iter().copied()),
                ));
            }
        }
    }
    findings
}

/// One line a call.
pub(crate) fn listed<'a>(calls: impl Iterator<Item = &'a Value>) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let mut first = None;
    let lines = calls.map(|call| {
        let time = call["t"].as_f64().map(|time| {
            let first = *first.get_or_insert(time);
            format!(" at {:.3} s", time - first)
        });
        let (handler, reason) = (text(&call["handler"]), text(&call["reason"]));
        let (retry, outcome) = (&call["retry"], text(&call["outcome"]));
        format!(
            "  {reason} {handler} #{retry}: {outcome}{}",
            time.unwrap_or_default()
        )
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return "  (nothing)".to_owned();
    }
    lines.join("\n")
}

fn of_call(index: usize, expected: Option<&Value>, got: Option<&Value>) -> Vec<String> {
    const FIELDS: [&str; 10] = [
        "handler", "reason", "retry", "outcome", "old", "new", "diff", "result", "patch", "index",
    ];
    let (expected, got) = match (expected, got) {
        (Some(expected), Some(got)) => (expected, got),
        (Some(_), None) => return vec![format!("  call {index} is missing")],
        (None, _) => return vec![format!("  call {index} is too many")],
    };
    let differing = FIELDS.into_iter().filter_map(|field| {
        let (expected, got) = (&expected[field], &got[field]);
        let is_same = if field == "diff" {
            is_same_set(expected, got)
        } else {
            is_as_expected(expected, got)
        };
        (!is_same).then(|| {
            format!(
                "  call {index} {}",
                compared(field, expected, got).trim_start()
            )
        })
    });
    differing.collect()
}

fn compared(key: &str, expected: &Value, got: &Value) -> String {
    let cut = |value: &Value| value.to_string().chars().take(WIDTH).collect::<String>();
    format!("  {key}: expected {}\n    got {}", cut(expected), cut(got))
}
