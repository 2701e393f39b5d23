//! What a definition's schema may say: structural schemas only.
//!
//! Called when a definition is written; objects are checked by `schema`.

use regex::Regex;
use serde_json::Value;

use super::extensions;
use crate::{
    error::FieldError,
    schema::{self, Schema},
};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// What a node is a part of: decides if it needs a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Root,
    Member,
    Item,
    /// Below `allOf`, `anyOf`, `oneOf` or `not`: only value validation is allowed.
    Junction,
}

impl Role {
    /// The role of a part of this: everything below a junction is one.
    fn below(self, role: Self) -> Self {
        if self == Self::Junction { self } else { role }
    }
}

/// Checks an `openAPIV3Schema`.
pub(crate) fn validate_root(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check(schema, path, Role::Root, errors);
    for name in ["apiVersion", "kind"] {
        let kind = &schema["properties"][name]["type"];
        if kind.as_str().is_some_and(|kind| kind != "string") {
            let field = format!("{path}.properties[{name}].type");
            errors.push(FieldError::invalid(field, kind, "must be string"));
        }
    }
    check_metadata(&schema["properties"]["metadata"], path, errors);
}

/// `metadata` is the server's; only its name may be restricted.
fn check_metadata(metadata: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if metadata
        .get("type")
        .is_some_and(|kind| kind != "object" && kind != "")
    {
        let field = format!("{path}.properties[metadata].type");
        errors.push(FieldError::invalid(
            field,
            &metadata["type"],
            "must be object",
        ));
    }
    let allowed = ["type", "properties", "description"];
    let members = metadata
        .as_object()
        .into_iter()
        .flatten()
        .any(|(name, _)| !allowed.contains(&name.as_str()));
    let names = metadata["properties"].as_object().into_iter().flatten();
    if members
        || names
            .into_iter()
            .any(|(name, _)| name != "name" && name != "generateName")
    {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(
            format!("{path}.properties[metadata]"),
            why,
        ));
    }
}

fn check(schema: &Value, path: &str, role: Role, errors: &mut Vec<FieldError>) {
    if schema
        .get("$ref")
        .is_some_and(|reference| !reference.is_null())
    {
        errors.push(FieldError::forbidden(
            format!("{path}.$ref"),
            "$ref is not supported",
        ));
        return;
    }
    if role == Role::Junction {
        check_junction(schema, path, errors);
    } else {
        check_type(schema, path, role, errors);
        check_default(schema, path, errors);
    }
    check_pattern(schema, path, errors);
    extensions::check(schema, path, errors);
    check_rules(schema, path, errors);
    check_members(schema, path, role, errors);
    check_items(schema, path, role, errors);
    for name in ["allOf", "anyOf", "oneOf"] {
        for (index, branch) in schema[name].as_array().into_iter().flatten().enumerate() {
            if !is_int_or_string_branch(schema, branch) {
                check(
                    branch,
                    &format!("{path}.{name}[{index}]"),
                    Role::Junction,
                    errors,
                );
            }
        }
    }
    if schema["not"].is_object() {
        check(
            &schema["not"],
            &format!("{path}.not"),
            Role::Junction,
            errors,
        );
    }
}

fn check_rules(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const KEYWORD: &str = "x-kubernetes-validations";
    for (index, why) in schema::compile_errors(schema) {
        // An empty rule is told of as one that is missing.
        if schema[KEYWORD][index]["rule"]
            .as_str()
            .is_none_or(|rule| rule.trim().is_empty())
        {
            continue;
        }
        let rule = extensions::shown(&schema[KEYWORD][index]);
        errors.push(FieldError::new(
            "FieldValueInvalid",
            format!("{path}.{KEYWORD}[{index}].rule"),
            format!("Invalid value: {rule}: compilation failed: {why}"),
        ));
    }
}

fn check_members(schema: &Value, path: &str, role: Role, errors: &mut Vec<FieldError>) {
    let properties = schema["properties"].as_object();
    for (name, member) in properties.into_iter().flatten() {
        check(
            member,
            &format!("{path}.properties[{name}]"),
            role.below(Role::Member),
            errors,
        );
    }
    let Some(additional) = schema.get("additionalProperties") else {
        return;
    };
    let path = format!("{path}.additionalProperties");
    if properties.is_some_and(|properties| !properties.is_empty()) && *additional != false {
        let why = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(path, why));
    } else if additional.is_object() {
        check(additional, &path, Role::Member, errors);
    }
}

fn check_items(schema: &Value, path: &str, role: Role, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.items");
    match schema.get("items").filter(|items| !items.is_null()) {
        Some(Value::Array(_)) => errors.push(FieldError::forbidden(
            path,
            "items must be a schema object and not an array",
        )),
        Some(items) => check(items, &path, role.below(Role::Item), errors),
        None if schema["type"] == "array" => {
            errors.push(FieldError::required(path, "must be specified"));
        }
        None => {}
    }
}

/// The one place where a junction may name types: `anyOf: [{type: integer}, {type: string}]` of an int-or-string.
fn is_int_or_string_branch(schema: &Value, branch: &Value) -> bool {
    let nested = branch["anyOf"]
        .as_array()
        .is_some_and(|list| list.iter().all(|one| is_int_or_string_branch(schema, one)));
    schema["x-kubernetes-int-or-string"] == true
        && (branch["type"] == "integer" || branch["type"] == "string" || nested)
}

fn check_type(schema: &Value, path: &str, role: Role, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.type");
    let kind = schema["type"].as_str().unwrap_or_default();
    let untyped = schema["x-kubernetes-int-or-string"] == true
        || schema["x-kubernetes-preserve-unknown-fields"] == true;
    match (kind, role) {
        ("", Role::Root) => {
            errors.push(FieldError::required(field, "must not be empty at the root"));
        }
        ("", _) if untyped => {}
        ("", Role::Item) => errors.push(FieldError::required(
            field,
            "must not be empty for specified array items",
        )),
        ("", _) => errors.push(FieldError::required(
            field,
            "must not be empty for specified object fields",
        )),
        (_, _) if schema["x-kubernetes-int-or-string"] == true => {
            let why = "must be empty if x-kubernetes-int-or-string is true";
            errors.push(FieldError::invalid(field, &schema["type"], why));
        }
        (kind, Role::Root) if kind != "object" => {
            errors.push(FieldError::invalid(
                field,
                &schema["type"],
                "must be object at the root",
            ));
        }
        (kind, _) if !TYPES.contains(&kind) => {
            errors.push(FieldError::unsupported(field, &schema["type"], &TYPES));
        }
        _ => {}
    }
}

fn check_junction(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let names = [
        "additionalProperties",
        "default",
        "description",
        "nullable",
        "title",
        "type",
    ];
    for name in names {
        let present = schema
            .get(name)
            .is_some_and(|value| !value.is_null() && *value != false && *value != "");
        if present {
            let why = match name {
                "default" | "additionalProperties" => "must be undefined to be structural",
                "nullable" => "must be false to be structural",
                _ => "must be empty to be structural",
            };
            errors.push(FieldError::forbidden(format!("{path}.{name}"), why));
        }
    }
}

fn check_default(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        let parsed = Schema::parse(schema);
        let mut completed = default.clone();
        if !schema::prune(&mut completed, &parsed).is_empty() {
            let why = "must not have unknown fields";
            errors.push(FieldError::invalid(format!("{path}.default"), default, why));
        }
        schema::apply_defaults(&mut completed, &parsed);
        errors.extend(schema::validate_default(
            &completed,
            &parsed,
            &format!("{path}.default"),
        ));
    }
}

fn check_pattern(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(pattern) = schema["pattern"].as_str() else {
        return;
    };
    if let Err(error) = Regex::new(pattern) {
        // Go's words for the usual mistake; Rust's, in one line, for the rest.
        let text = error.to_string();
        let why = if text.contains("unclosed character class") {
            format!(
                "missing closing ]: `{}`",
                &pattern[pattern.rfind('[').unwrap_or(0)..]
            )
        } else if text.contains("unclosed group") {
            format!("missing closing ): `{pattern}`")
        } else {
            text.lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned()
        };
        let why =
            format!("must be a valid regular expression, but isn't: error parsing regexp: {why}");
        errors.push(FieldError::invalid(
            format!("{path}.pattern"),
            &schema["pattern"],
            why,
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_structural_is_refused() {
        let check = |member: Value, expected: &str| {
            let mut errors = Vec::new();
            validate_root(
                &json!({"type": "object", "properties": {"a": member}}),
                "s",
                &mut errors,
            );
            let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(found.join("; "), expected);
        };
        check(json!({"type": "string"}), "");
        check(
            json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}),
            "",
        );
        check(
            json!({}),
            "s.properties[a].type: Required value: must not be empty for specified object fields",
        );
        check(
            json!({"type": "array"}),
            "s.properties[a].items: Required value: must be specified",
        );
        check(
            json!({"$ref": "#/x"}),
            "s.properties[a].$ref: Forbidden: $ref is not supported",
        );
        check(
            json!({"type": "string", "default": 5}),
            "s.properties[a].default: Invalid value: \"integer\":  in body must be of type string: \"integer\"",
        );
    }
}
