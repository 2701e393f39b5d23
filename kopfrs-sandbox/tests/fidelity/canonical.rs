//! Answers in one form: what real servers give in no fixed order is sorted, what is never compared is left out.

use serde_json::{Value, json};

/// Leaves out `managedFields` unless they are wanted, and sorts what has no order.
pub(crate) fn canonical(value: &Value, keep_managed_fields: bool) -> Value {
    match value {
        Value::Object(members) => {
            let mut kept = serde_json::Map::new();
            for (name, member) in members {
                if name == "managedFields" && member.is_array() {
                    if keep_managed_fields {
                        let sorted = sorted_books(member);
                        kept.insert(name.clone(), canonical(&sorted, true));
                    }
                } else {
                    kept.insert(name.clone(), canonical(member, keep_managed_fields));
                }
            }
            sort_causes(Value::Object(kept))
        }
        Value::Array(items) => items
            .iter()
            .map(|item| canonical(item, keep_managed_fields))
            .collect(),
        other => other.clone(),
    }
}

fn sorted_books(books: &Value) -> Value {
    let mut entries = books.as_array().cloned().unwrap_or_default();
    entries.sort_by_cached_key(|entry| {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let fields = entry["fieldsV1"].to_string();
        [
            text("operation"),
            text("manager"),
            text("subresource"),
            text("apiVersion"),
            fields,
        ]
    });
    Value::Array(entries)
}

/// Sorts the causes of a Status, and the list in its message that says the same.
fn sort_causes(mut status: Value) -> Value {
    let causes = status["details"]["causes"].as_array();
    let is_status = status["kind"] == "Status";
    let Some(mut causes) = causes
        .filter(|causes| is_status && causes.len() > 1)
        .cloned()
    else {
        return status;
    };
    let text = |cause: &Value, name: &str| cause[name].as_str().unwrap_or_default().to_owned();
    causes.sort_by_cached_key(|cause| ["field", "reason", "message"].map(|name| text(cause, name)));
    let mut told: Vec<String> = Vec::new();
    for cause in &causes {
        let line = format!("{}: {}", text(cause, "field"), text(cause, "message"));
        if !told.contains(&line) {
            told.push(line);
        }
    }
    let message = status["message"].as_str().unwrap_or_default();
    if let Some((begin, list)) = message.split_once(" is invalid: [")
        && let Some(list) = list.strip_suffix(']')
        && told.iter().all(|line| list.contains(line))
        && told.join(", ").len() == list.len()
    {
        status["message"] = json!(format!("{begin} is invalid: [{}]", told.join(", ")));
    }
    status["details"]["causes"] = Value::Array(causes);
    status
}
