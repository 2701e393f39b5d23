//! The one form that values of a type are kept in.

use serde_json::{Value, json};

use super::{Field, Presence, Struct, Type};
use crate::{clock, quantity};

/// Leaves out what is not shown when it is empty, and writes quantities and times in their one way.
pub(crate) fn canonicalise(value: &mut Value, of: &'static Struct) {
    let Value::Object(fields) = value else { return };
    fields.retain(|name, value| {
        let Some(field) = of.fields.get(name.as_str()) else {
            return true;
        };
        canonicalise_value(value, &field.of);
        field.presence != Presence::Filled || !is_empty(value)
    });
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_set) => !is_set,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn canonicalise_value(value: &mut Value, of: &Type) {
    match (of, &mut *value) {
        (Type::Struct(_), Value::Object(_)) => {
            if let Some(of) = of.fields() {
                canonicalise(value, of);
            }
        }
        (Type::List(of), Value::Array(items)) => {
            for item in items {
                canonicalise_value(item, of);
            }
        }
        (Type::Map(of), Value::Object(members)) => {
            for member in members.values_mut() {
                canonicalise_value(member, of);
            }
        }
        (Type::Quantity, Value::String(_) | Value::Number(_)) => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            if let Some(canonical) = quantity::canonical(&text) {
                *value = json!(canonical);
            }
        }
        (Type::Time, Value::String(text)) => {
            if let Some(seconds) = clock::parse_rfc3339(text) {
                *text = clock::rfc3339(seconds);
            }
        }
        (Type::MicroTime, Value::String(text)) => {
            let digits = text.split_once('.').and_then(|(_, rest)| rest.get(..6));
            if let (Some(seconds), Some(digits)) = (clock::parse_rfc3339(text), digits) {
                let whole = clock::rfc3339(seconds);
                *text = format!("{}.{digits}Z", whole.trim_end_matches('Z'));
            }
        }
        _ => {}
    }
}

/// Shows what is always shown, empty where nothing was given.
pub(crate) fn complete(value: &mut Value, of: &'static Struct) {
    let Value::Object(fields) = value else { return };
    for (name, field) in &of.fields {
        if field.presence == Presence::Always && !fields.contains_key(*name) {
            fields.insert((*name).to_owned(), empty(field));
        }
    }
    for (name, value) in fields {
        if let Some(field) = of.fields.get(name.as_str()) {
            complete_value(value, &field.of);
        }
    }
}

fn complete_value(value: &mut Value, of: &Type) {
    match (of, &mut *value) {
        (Type::Struct(_), Value::Object(_)) => {
            if let Some(of) = of.fields() {
                complete(value, of);
            }
        }
        (Type::List(of), Value::Array(items)) => {
            for item in items {
                complete_value(item, of);
            }
        }
        (Type::Map(of), Value::Object(members)) => {
            for member in members.values_mut() {
                complete_value(member, of);
            }
        }
        _ => {}
    }
}

fn empty(field: &Field) -> Value {
    match field.of {
        Type::Text => json!(""),
        Type::Bool => json!(false),
        Type::Int32 | Type::Int64 | Type::Number => json!(0),
        Type::Struct(_) => json!({}),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::of, *};

    #[test]
    fn what_is_empty_is_left_out_or_shown_as_the_type_says() {
        let of = of("v1", "Pod").expect("a kind");
        let mut pod = json!({"spec": {"hostNetwork": false, "nodeSelector": {}, "containers": [
            {"image": "i", "args": [], "tty": false, "env": [{"value": ""}]},
        ]}});
        canonicalise(&mut pod, of);
        complete(&mut pod, of);
        let container = json!({"name": "", "image": "i", "resources": {}, "env": [{"name": ""}]});
        assert_eq!(
            pod,
            json!({"spec": {"containers": [container]}, "status": {}})
        );
    }

    #[test]
    fn quantities_and_times_have_one_form() {
        let of = of("v1", "Pod").expect("a kind");
        let mut pod = json!({"spec": {"containers": [{"resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}]}, "metadata": {"deletionTimestamp": "2020-01-01T01:00:00+01:00"}});
        canonicalise(&mut pod, of);
        let limits = &pod["spec"]["containers"][0]["resources"]["limits"];
        assert_eq!(*limits, json!({"cpu": "500m", "memory": "1Gi"}));
        assert_eq!(pod["metadata"]["deletionTimestamp"], "2020-01-01T00:00:00Z");
    }
}
