//! ConfigMaps and Secrets: their keys, their size, and what the types of Secrets demand.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    error::FieldError,
    object::{Fields, child_mut, fields_mut, text},
    strategy::{metadata::mismatch, names::config_key},
};

/// What a ConfigMap or a Secret may hold.
const DATA_LIMIT: usize = 1024 * 1024;

/// Leaves out empty collections, as Go does.
pub(super) fn drop_empty(value: &mut Value, names: &[&str]) {
    let fields = fields_mut(value);
    for name in names {
        if fields
            .get(*name)
            .is_some_and(|map| map.as_object().is_none_or(Fields::is_empty))
        {
            fields.remove(*name);
        }
    }
}

fn string_map(value: &Value, kind: &str, field: &str) -> Result<(), String> {
    match value.get(field) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(map)) => match map
            .iter()
            .find(|(_, value)| !value.is_string() && !value.is_null())
        {
            Some((key, wrong)) => Err(mismatch(wrong, &format!("{kind}.{field}.{key}"), "string")),
            None => Ok(()),
        },
        Some(wrong) => Err(mismatch(
            wrong,
            &format!("{kind}.{field}"),
            "map[string]string",
        )),
    }
}

fn base64_map(value: &Value, field: &str) -> Result<(), String> {
    for text in value[field]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value.as_str())
    {
        if STANDARD.decode(text).is_err() {
            let at = text
                .bytes()
                .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')));
            return Err(format!(
                "illegal base64 data at input byte {}",
                // What is too short is wrong where its last group begins.
                at.unwrap_or(text.len() / 4 * 4)
            ));
        }
    }
    Ok(())
}

pub(super) fn config_map_types(value: &Value) -> Result<(), String> {
    string_map(value, "ConfigMap", "data")?;
    string_map(value, "ConfigMap", "binaryData")?;
    base64_map(value, "binaryData")
}

pub(super) fn secret_types(value: &Value) -> Result<(), String> {
    string_map(value, "Secret", "data")?;
    string_map(value, "Secret", "stringData")?;
    base64_map(value, "data")
}

fn validate_keys(value: &Value, field: &str, errors: &mut Vec<FieldError>) {
    for key in value[field]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
    {
        errors.extend(
            config_key(key)
                .iter()
                .map(|why| FieldError::invalid(format!("{field}[{key}]"), &json!(key), why)),
        );
    }
}

pub(super) fn validate_config_map(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_keys(value, "data", &mut errors);
    validate_keys(value, "binaryData", &mut errors);
    for (key, _) in value["data"].as_object().into_iter().flatten() {
        if value["binaryData"].get(key).is_some() {
            let why = "duplicate of key present in binaryData";
            errors.push(FieldError::invalid(
                format!("data[{key}]"),
                &json!(key),
                why,
            ));
        }
    }
    let length = |field: &str| -> usize {
        let texts = value[field].as_object().into_iter().flatten();
        texts
            .map(|(_, text)| text.as_str().map_or(0, str::len))
            .sum()
    };
    if length("data") + length("binaryData") / 4 * 3 > DATA_LIMIT {
        errors.push(too_long("[]"));
    }
    errors
}

fn too_long(field: &str) -> FieldError {
    let message = format!("Too long: may not be more than {DATA_LIMIT} bytes");
    FieldError::new("FieldValueTooLong", field, message)
}

/// `immutable: true` freezes the data and itself.
pub(super) fn validate_immutable_data(new: &Value, old: &Value) -> Vec<FieldError> {
    if old["immutable"] != true {
        return Vec::new();
    }
    let frozen = |field: &&str| new.get(*field) != old.get(*field);
    let changed = ["immutable", "data", "binaryData"]
        .into_iter()
        .filter(frozen);
    changed
        .map(|field| FieldError::forbidden(field, "field is immutable when `immutable` is set"))
        .collect()
}

pub(super) fn secret_defaults(value: &mut Value) {
    let fields = fields_mut(value);
    if let Some(Value::Object(plain)) = fields.remove("stringData") {
        let encoded = plain
            .into_iter()
            .filter_map(|(key, text)| Some((key, json!(STANDARD.encode(text.as_str()?)))));
        let encoded: Vec<_> = encoded.collect();
        child_mut(value, "data").extend(encoded);
    }
    fields_mut(value)
        .entry("type")
        .or_insert_with(|| json!("Opaque"));
    drop_empty(value, &["data"]);
}

pub(super) fn validate_secret(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_keys(value, "data", &mut errors);
    let length = |(_, text): (&String, &Value)| text.as_str().map_or(0, str::len) / 4 * 3;
    let data = value["data"].as_object().into_iter().flatten();
    if data.map(length).sum::<usize>() > DATA_LIMIT {
        errors.push(too_long("data"));
    }
    validate_secret_type(value, &mut errors);
    errors
}

/// What the types that Kubernetes knows demand of the data.
fn validate_secret_type(value: &Value, errors: &mut Vec<FieldError>) {
    let content = |key: &str| value["data"].get(key).and_then(Value::as_str);
    let mut require = |keys: &[&str], is_missing: &dyn Fn(Option<&str>) -> bool| {
        let missing = keys.iter().filter(|key| is_missing(content(key)));
        errors.extend(missing.map(|key| FieldError::required(format!("data[{key}]"), "")));
    };
    match value["type"].as_str().unwrap_or_default() {
        "kubernetes.io/tls" => require(&["tls.crt", "tls.key"], &|text| text.is_none()),
        "kubernetes.io/ssh-auth" => {
            require(&["ssh-privatekey"], &|text| {
                text.unwrap_or_default().is_empty()
            });
        }
        "kubernetes.io/basic-auth" => {
            let keys = ["username", "password"];
            if keys.iter().all(|key| content(key).is_none()) {
                require(&keys, &|_| true);
            }
        }
        "kubernetes.io/service-account-token" => {
            let annotation = "kubernetes.io/service-account.name";
            if meta_annotation(value, annotation).is_empty() {
                let field = format!("metadata.annotations[{annotation}]");
                errors.push(FieldError::required(field, ""));
            }
        }
        "kubernetes.io/dockercfg" => validate_json(content(".dockercfg"), ".dockercfg", errors),
        "kubernetes.io/dockerconfigjson" => {
            validate_json(content(".dockerconfigjson"), ".dockerconfigjson", errors);
        }
        _ => {}
    }
}

fn meta_annotation<'a>(value: &'a Value, name: &str) -> &'a str {
    text(value, &["metadata", "annotations", name]).unwrap_or_default()
}

/// Credentials of registries are JSON.
fn validate_json(content: Option<&str>, key: &str, errors: &mut Vec<FieldError>) {
    let field = format!("data[{key}]");
    let Some(content) = content else {
        errors.push(FieldError::required(field, ""));
        return;
    };
    let bytes = STANDARD.decode(content).unwrap_or_default();
    if serde_json::from_slice::<Value>(&bytes).is_ok() {
        return;
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let why = match first {
        Some(first) if !b"{[\"-0123456789tfn".contains(first) => format!(
            "invalid character {:?} looking for beginning of value",
            char::from(*first)
        ),
        _ => "unexpected end of JSON input".to_owned(),
    };
    errors.push(FieldError::invalid(
        field,
        &json!("<secret contents redacted>"),
        why,
    ));
}

pub(super) fn validate_secret_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if new["type"] != old["type"] {
        errors.push(FieldError::immutable("type", &new["type"]));
    }
    errors.extend(validate_immutable_data(new, old));
    errors
}
