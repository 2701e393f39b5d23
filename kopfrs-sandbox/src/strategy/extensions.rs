//! What a definition's schema may say with Kubernetes' own keywords (`x-kubernetes-*`).

use serde_json::{Value, json};

use crate::error::FieldError;

const LIST_TYPE: &str = "x-kubernetes-list-type";
const LIST_KEYS: &str = "x-kubernetes-list-map-keys";
const MAP_TYPE: &str = "x-kubernetes-map-type";
const RULES: &str = "x-kubernetes-validations";

/// Checks the keywords of one node.
pub(super) fn check(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_list(schema, path, errors);
    check_map(schema, path, errors);
    check_embedded(schema, path, errors);
    check_unsupported(schema, path, errors);
    for (index, rule) in schema[RULES].as_array().into_iter().flatten().enumerate() {
        check_rule(rule, &format!("{path}.{RULES}[{index}]"), errors);
    }
    if schema["uniqueItems"] == true {
        let why =
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(format!("{path}.uniqueItems"), why));
    }
}

fn keys(schema: &Value) -> Vec<&str> {
    let keys = schema[LIST_KEYS].as_array().into_iter().flatten();
    keys.filter_map(Value::as_str).collect()
}

fn check_list(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let keys = keys(schema);
    let Some(list_type) = schema[LIST_TYPE].as_str() else {
        if !keys.is_empty() {
            let why = format!("must be map if {LIST_KEYS} is non-empty");
            errors.push(FieldError::required(format!("{path}.{LIST_TYPE}"), &why));
        }
        return;
    };
    if schema["type"] != "array" {
        let why = format!("must be array if {LIST_TYPE} is specified");
        let field = format!("{path}.type");
        errors.push(FieldError::invalid(field, &schema["type"], why));
    }
    match list_type {
        "atomic" => {}
        "set" => check_set(schema, path, errors),
        "map" => check_keyed(schema, &keys, path, errors),
        _ => errors.push(FieldError::unsupported(
            format!("{path}.{LIST_TYPE}"),
            &schema[LIST_TYPE],
            &["atomic", "set", "map"],
        )),
    }
}

/// Elements of sets are compared as a whole.
fn check_set(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let items = &schema["items"];
    let (keyword, value) = match items["type"].as_str() {
        Some("object") => (MAP_TYPE, items.get(MAP_TYPE)),
        Some("array") => (LIST_TYPE, items.get(LIST_TYPE)),
        _ => return,
    };
    if value.is_none_or(|value| value != "atomic") {
        let why = format!("must be atomic as item of a list with {LIST_TYPE}=set");
        let field = format!("{path}.items.{keyword}");
        errors.push(FieldError::invalid(
            field,
            value.unwrap_or(&Value::Null),
            why,
        ));
    }
}

fn check_keyed(schema: &Value, keys: &[&str], path: &str, errors: &mut Vec<FieldError>) {
    let items = &schema["items"];
    if items.is_object() && items["type"] != "object" {
        let why = format!("must be object if parent array's {LIST_TYPE} is map");
        let field = format!("{path}.items.type");
        errors.push(FieldError::invalid(field, &items["type"], why));
    }
    let field = format!("{path}.{LIST_KEYS}");
    if keys.is_empty() {
        let why = format!("must not be empty if {LIST_TYPE} is map");
        errors.push(FieldError::required(field, &why));
        return;
    }
    if items["type"] != "object" {
        return;
    }
    let shown = &schema[LIST_KEYS];
    let is_twice = |(index, key): (usize, &&str)| keys[..index].contains(key);
    if keys.iter().enumerate().any(is_twice) {
        errors.push(FieldError::invalid(
            &field,
            shown,
            "must not contain duplicate entries",
        ));
    }
    if keys
        .iter()
        .any(|key| items["properties"].get(key).is_none())
    {
        errors.push(FieldError::invalid(
            &field,
            shown,
            "entries must all be names of item properties",
        ));
    }
    for key in keys {
        if let Some(property) = items["properties"].get(key) {
            let path = format!("{path}.items.properties[{key}]");
            check_key(property, items, (key, &path), errors);
        }
    }
}

/// A key is a plain value, and always there.
fn check_key(
    property: &Value,
    items: &Value,
    (key, path): (&str, &str),
    errors: &mut Vec<FieldError>,
) {
    if property["type"] == "object" || property["type"] == "array" {
        let why = format!("must be a scalar type if parent array's {LIST_TYPE} is map");
        let field = format!("{path}.type");
        errors.push(FieldError::invalid(field, &property["type"], why));
    }
    let required = items["required"].as_array().into_iter().flatten();
    if property.get("default").is_none() && !required.into_iter().any(|name| name == key) {
        let why = format!(
            "this property is in {LIST_KEYS}, so it must have a default or be a required property"
        );
        errors.push(FieldError::required(format!("{path}.default"), &why));
    }
}

fn check_map(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(map_type) = schema.get(MAP_TYPE).filter(|value| !value.is_null()) else {
        return;
    };
    if schema["type"] != "object" {
        let why = format!("must be object if {MAP_TYPE} is specified");
        let field = format!("{path}.type");
        errors.push(FieldError::invalid(field, &schema["type"], why));
    }
    if *map_type != "atomic" && *map_type != "granular" {
        let field = format!("{path}.{MAP_TYPE}");
        errors.push(FieldError::unsupported(
            field,
            map_type,
            &["atomic", "granular"],
        ));
    }
}

fn check_embedded(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const EMBEDDED: &str = "x-kubernetes-embedded-resource";
    const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
    if schema[EMBEDDED] != true {
        return;
    }
    if schema["type"] != "object" {
        let why = format!("must be object if {EMBEDDED} is true");
        let field = format!("{path}.type");
        errors.push(FieldError::invalid(field, &schema["type"], why));
    }
    let has_properties = schema["properties"]
        .as_object()
        .is_some_and(|members| !members.is_empty());
    if schema[PRESERVE] != true && !has_properties {
        let why = format!("must not be empty if {EMBEDDED} is true without {PRESERVE}");
        errors.push(FieldError::required(format!("{path}.properties"), &why));
    }
}

/// Keywords of JSON schemas that Kubernetes does without.
fn check_unsupported(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
    if schema.get(PRESERVE).is_some_and(|given| *given == false) {
        errors.push(FieldError::invalid(
            format!("{path}.{PRESERVE}"),
            &json!(false),
            "must be true or undefined",
        ));
    }
    for name in [
        "additionalItems",
        "definitions",
        "dependencies",
        "id",
        "patternProperties",
    ] {
        let is_given = match schema.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Object(members)) => !members.is_empty(),
            Some(Value::String(text)) => !text.is_empty(),
            Some(_) => true,
        };
        if is_given {
            let why = format!("{name} is not supported");
            errors.push(FieldError::forbidden(format!("{path}.{name}"), why));
        }
    }
}

/// A rule as Go prints its internal struct.
pub(super) fn shown(rule: &Value) -> String {
    let text = |name: &str| match &rule[name] {
        Value::Null => json!(""),
        given => given.clone(),
    };
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        text("rule"),
        text("message"),
        text("messageExpression"),
        rule["reason"],
        text("fieldPath"),
        rule["optionalOldSelf"],
    )
}

/// What is wrong with a rule before it is compiled.
fn check_rule(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const REASONS: [&str; 4] = [
        "FieldValueDuplicate",
        "FieldValueForbidden",
        "FieldValueInvalid",
        "FieldValueRequired",
    ];
    let text = rule["rule"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        errors.push(FieldError::required(
            format!("{path}.rule"),
            "rule is not specified",
        ));
    }
    if let Some(message) = rule["message"]
        .as_str()
        .filter(|message| !message.is_empty())
    {
        let field = format!("{path}.message");
        if message.trim().is_empty() {
            errors.push(FieldError::invalid(
                field,
                &json!(message),
                "must be non-empty if specified",
            ));
        } else if message.trim().contains('\n') {
            errors.push(FieldError::invalid(
                field,
                &json!(message),
                "must not contain line breaks",
            ));
        }
    }
    if let Some(reason) = rule["reason"].as_str()
        && !REASONS.contains(&reason)
    {
        errors.push(FieldError::unsupported(
            format!("{path}.reason"),
            &json!(reason),
            &REASONS,
        ));
    }
    if rule["optionalOldSelf"] == true && !text.contains("oldSelf") {
        let why = "may not be set if oldSelf is not used in rule";
        errors.push(FieldError::invalid(
            format!("{path}.optionalOldSelf"),
            &json!(true),
            why,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_checked_against_one_another() {
        let object = json!({"type": "object", "properties": {"k": {"type": "string"}}});
        let keyed = |keys: Value| json!({"type": "array", LIST_TYPE: "map", LIST_KEYS: keys, "items": object});
        let rows = [
            (json!({"type": "string", LIST_TYPE: "set"}), "must be array"),
            (
                json!({"type": "array", LIST_TYPE: "bag"}),
                "supported values",
            ),
            (json!({"type": "array", LIST_KEYS: ["k"]}), "must be map"),
            (keyed(json!([])), "must not be empty"),
            (keyed(json!(["k"])), "must have a default"),
            (keyed(json!(["z"])), "names of item properties"),
            (keyed(json!(["k", "k"])), "duplicate entries"),
            (
                json!({"type": "array", LIST_TYPE: "set", "items": object}),
                "must be atomic",
            ),
            (
                json!({"type": "string", MAP_TYPE: "atomic"}),
                "must be object",
            ),
            (
                json!({"type": "object", "x-kubernetes-embedded-resource": true}),
                "must not be empty",
            ),
            (json!({"type": "string", "uniqueItems": true}), "quadratic"),
            (json!({RULES: [{"rule": ""}]}), "not specified"),
            (
                json!({RULES: [{"rule": "true", "reason": "Odd"}]}),
                "supported values",
            ),
            (
                json!({RULES: [{"rule": "true", "message": "a\nb"}]}),
                "line breaks",
            ),
        ];
        for (schema, expected) in rows {
            let mut errors = Vec::new();
            check(&schema, "s", &mut errors);
            let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert!(found.join("; ").contains(expected), "{schema}: {found:?}");
        }
    }
}
