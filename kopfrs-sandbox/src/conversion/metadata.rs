//! What a conversion may change about metadata: labels and annotations. Everything else is as it was.

use serde_json::Value;

use crate::{
    error::FieldError,
    object::{Fields, fields_mut},
    strategy::metadata::{clean, validate_annotations, validate_labels},
};

/// Puts the metadata of the original into what was made of it, with the labels and annotations of the latter.
pub(super) fn restore(original: &Value, made: &mut Value) -> Result<(), String> {
    let Some(given) = made.get("metadata") else {
        return Err("missing metadata in converted object".to_owned());
    };
    let Value::Object(given) = given else {
        return Err(format!(
            "invalid metadata of type {} in converted object",
            go_type(given)
        ));
    };
    let before = original["metadata"].as_object();
    let mut metadata = before.cloned().unwrap_or_default();
    for part in ["labels", "annotations"] {
        match given.get(part) {
            None | Some(Value::Null) => drop(metadata.remove(part)),
            Some(said) => {
                check(part, said, metadata.get(part))?;
                metadata.insert(part.to_owned(), said.clone());
            }
        }
    }
    clean(&mut metadata);
    fields_mut(made).insert("metadata".to_owned(), Value::Object(metadata));
    Ok(())
}

/// What changes has to be good; what was wrong before may stay so.
fn check(part: &str, said: &Value, before: Option<&Value>) -> Result<(), String> {
    let Value::Object(map) = said else {
        return Err(format!(
            "invalid metadata.{part} of type {} in converted object",
            go_type(said)
        ));
    };
    if let Some((key, value)) = map.iter().find(|(_, value)| !value.is_string()) {
        return Err(format!(
            "metadata.{part}[{key}] must be a string, but is {} in converted object",
            go_type(value)
        ));
    }
    let nothing = Fields::new();
    if before.and_then(Value::as_object).unwrap_or(&nothing) == map {
        return Ok(());
    }
    let mut errors: Vec<FieldError> = Vec::new();
    match part {
        "labels" => validate_labels(said, "metadata.labels", &mut errors),
        // A real server says it in the singular.
        _ => validate_annotations(said, "metadata.annotation", &mut errors),
    }
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    match &errors[..] {
        [] => Ok(()),
        [one] => Err(one.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_annotations_may_change_and_nothing_else() {
        let original = json!({"metadata": {
            "name": "a", "finalizers": ["x/y"], "labels": {"a": "1"}, "annotations": {"b": "2"},
        }});
        let rows = [
            (
                json!({"name": "other", "finalizers": [], "labels": {"c": "3"}}),
                json!({"name": "a", "finalizers": ["x/y"], "labels": {"c": "3"}}),
            ),
            (
                json!({"labels": {}, "annotations": {"b": "2", "d": "4"}}),
                json!({"name": "a", "finalizers": ["x/y"], "annotations": {"b": "2", "d": "4"}}),
            ),
        ];
        for (metadata, expected) in rows {
            let mut made = json!({"metadata": metadata});
            restore(&original, &mut made).expect("good");
            assert_eq!(made["metadata"], expected);
        }
    }

    #[test]
    fn wrong_labels_may_stay_but_not_come() {
        let wrong = json!({"metadata": {"labels": {"a b": "c"}}});
        assert_eq!(restore(&wrong, &mut wrong.clone()), Ok(()));
        let rows = [
            (
                json!({"labels": {"a b": "d"}}),
                "metadata.labels: Invalid value: \"a b\"",
            ),
            (
                json!({"annotations": {"a b": "d"}}),
                "metadata.annotation: Invalid value: \"a b\"",
            ),
            (
                json!({"labels": {"a": 3}}),
                "metadata.labels[a] must be a string, but is int64 in converted object",
            ),
            (
                json!({"labels": "x"}),
                "invalid metadata.labels of type string in converted object",
            ),
        ];
        for (metadata, expected) in rows {
            let why = restore(&wrong, &mut json!({"metadata": metadata})).expect_err(expected);
            assert!(why.starts_with(expected), "{why}");
        }
        assert_eq!(
            restore(&wrong, &mut json!({})).expect_err("none"),
            "missing metadata in converted object"
        );
    }
}
