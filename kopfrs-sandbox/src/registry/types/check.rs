//! Values against types: what does not decode, and what nobody knows.

use serde_json::Value;

use super::{Struct, Type};
use crate::{clock, object::Fields, quantity, strategy::metadata::mismatch};

/// Removes fields that the type does not have and gives their paths; the error says what does not decode.
pub(crate) fn check(value: &mut Value, of: &'static Struct) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    let Value::Object(fields) = value else {
        return Err(mismatch(value, of.name, of.name));
    };
    check_fields(fields, of, "", &mut unknown)?;
    Ok(unknown)
}

fn check_fields(
    fields: &mut Fields,
    of: &'static Struct,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    fields.retain(|name, _| {
        let is_known = of.fields.contains_key(name.as_str());
        if !is_known {
            unknown.push(below(name));
        }
        is_known
    });
    for (name, value) in fields.iter_mut() {
        if let Some(field) = of.fields.get(name.as_str()) {
            check_value(value, &field.of, &below(name), unknown)?;
        }
    }
    Ok(())
}

fn check_value(
    value: &mut Value,
    of: &Type,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let fits = match (of, &mut *value) {
        (Type::Any, _) | (_, Value::Null) => return Ok(()),
        (Type::Struct(_), Value::Object(fields)) => {
            return match of.fields() {
                Some(of) => check_fields(fields, of, path, unknown),
                None => Ok(()),
            };
        }
        (Type::List(of), Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                check_value(item, of, &format!("{path}[{index}]"), unknown)?;
            }
            return Ok(());
        }
        (Type::Map(of), Value::Object(members)) => {
            for (name, member) in members {
                if member.is_null() && matches!(**of, Type::Text | Type::Bytes) {
                    *member = Value::from("");
                }
                check_value(member, of, &format!("{path}.{name}"), unknown)?;
            }
            return Ok(());
        }
        (Type::Quantity, Value::String(text)) => return quantity::check(text),
        (Type::Time, Value::String(text)) => {
            return match clock::parse_rfc3339(text) {
                Some(_) => Ok(()),
                None => Err(not_a_time(text)),
            };
        }
        // What base64 and microseconds must look like is told by the rules of the kinds.
        (Type::Text | Type::Bytes | Type::MicroTime | Type::IntOrString, Value::String(_))
        | (Type::Quantity | Type::Number, Value::Number(_))
        | (Type::Bool, Value::Bool(_)) => true,
        (Type::Int32 | Type::IntOrString, Value::Number(number)) => number
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok()),
        (Type::Int64, Value::Number(number)) => number.is_i64(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(mismatch(value, path, &shown(of)))
    }
}

fn not_a_time(text: &str) -> String {
    let layout = "2006-01-02T15:04:05Z07:00";
    format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\"")
}

/// A type as Go calls it.
fn shown(of: &Type) -> String {
    match of {
        Type::Text | Type::Bytes => "string".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Number => "float64".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        Type::IntOrString => "intstr.IntOrString".to_owned(),
        Type::Time => "v1.Time".to_owned(),
        Type::MicroTime => "v1.MicroTime".to_owned(),
        Type::Any => "interface {}".to_owned(),
        Type::Struct(_) => format!("v1.{}", of.fields().map_or("", |of| of.name)),
        Type::List(of) => format!("[]{}", shown(of)),
        Type::Map(of) => format!("map[string]{}", shown(of)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::of, *};

    #[test]
    fn unknown_fields_are_named_and_wrong_types_refused() {
        let of = of("v1", "Pod").expect("a kind");
        let mut pod = json!({"spec": {"containers": [{"name": "c", "odd": 1}], "nodeSelector": {"a": "b"}}, "more": {}});
        assert_eq!(
            check(&mut pod, of),
            Ok(vec!["more".to_owned(), "spec.containers[0].odd".to_owned()])
        );
        assert_eq!(pod["spec"]["containers"], json!([{"name": "c"}]));
        for wrong in [
            json!({"spec": {"containers": "x"}}),
            json!({"spec": {"containers": ["x"]}}),
            json!({"spec": {"hostNetwork": "yes"}}),
            json!({"spec": {"nodeSelector": {"a": 1}}}),
            json!({"spec": {"terminationGracePeriodSeconds": 1.5}}),
            json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "x"}}}]}}),
            json!({"spec": []}),
        ] {
            assert!(check(&mut wrong.clone(), of).is_err(), "{wrong}");
        }
    }
}
