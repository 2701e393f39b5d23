//! Comparing what is expected with what came: exactly, placeholders aside.

use serde_json::Value;

use super::placeholder::{self, Bindings};

/// All differences, each with its place.
pub(crate) fn differences(
    expected: &Value,
    actual: &Value,
    bindings: &mut Bindings,
) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, actual, "$", &mut (bindings, &mut found));
    found
}

/// The same for lists whose elements may come in any order.
pub(crate) fn differences_unordered(
    expected: &[Value],
    actual: &[Value],
    bindings: &mut Bindings,
) -> Vec<String> {
    if expected.len() != actual.len() {
        return vec![wrong_count(expected.len(), actual)];
    }
    let mut left: Vec<&Value> = actual.iter().collect();
    let mut found = Vec::new();
    for wanted in expected {
        let mut best: Option<Vec<String>> = None;
        let position = left.iter().position(|candidate| {
            let mut trial = bindings.clone();
            let differences = differences(wanted, candidate, &mut trial);
            if differences.is_empty() {
                *bindings = trial;
                return true;
            }
            if best
                .as_ref()
                .is_none_or(|best| differences.len() < best.len())
            {
                best = Some(differences);
            }
            false
        });
        match position {
            Some(at) => drop(left.remove(at)),
            None => found.extend(best.unwrap_or_default()),
        }
    }
    found
}

fn wrong_count(expected: usize, actual: &[Value]) -> String {
    let shown = short(&Value::from(actual), 600);
    format!(
        "expected {expected} elements, got {}: {shown}",
        actual.len()
    )
}

fn compare(
    expected: &Value,
    actual: &Value,
    at: &str,
    state: &mut (&mut Bindings, &mut Vec<String>),
) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, wanted) in expected {
                match actual.get(name) {
                    Some(present) => compare(wanted, present, &format!("{at}.{name}"), state),
                    None => {
                        let wanted = short(wanted, 160);
                        state
                            .1
                            .push(format!("{at}.{name}: missing (expected {wanted})"));
                    }
                }
            }
            for (name, present) in actual {
                if !expected.contains_key(name) {
                    let present = short(present, 160);
                    state.1.push(format!("{at}.{name}: unexpected {present}"));
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (wanted, present)) in expected.iter().zip(actual).enumerate() {
                compare(wanted, present, &format!("{at}[{index}]"), state);
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            let wrong = wrong_count(expected.len(), actual);
            state.1.push(format!("{at}: {wrong}"));
        }
        (Value::String(text), _) => {
            if let Err(why) = placeholder::compare(text, actual, state.0) {
                state.1.push(format!("{at}: {why}"));
            }
        }
        (Value::Number(a), Value::Number(b)) if a == b || a.as_f64() == b.as_f64() => {}
        (expected, actual) if expected == actual => {}
        _ => {
            let (expected, actual) = (short(expected, 160), short(actual, 160));
            state
                .1
                .push(format!("{at}: expected {expected}, got {actual}"));
        }
    }
}

/// Whether a value holds another one: its members, at every level.
pub(crate) fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part))),
        (whole, part) => whole == part,
    }
}

/// The beginning of a value's text.
pub(crate) fn short(value: &Value, limit: usize) -> String {
    let text = value.to_string();
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
