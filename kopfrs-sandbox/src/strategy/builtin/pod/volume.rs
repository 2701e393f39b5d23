//! Volumes of a pod spec: their defaults, and what is wrong with them.

use serde_json::{Value, json};

use super::default;
use crate::{
    error::FieldError,
    object::{Fields, fields_mut},
    strategy::{
        field::{Field, Names},
        names,
    },
};

pub(super) fn defaults(volume: &mut Fields) {
    if !volume
        .iter()
        .any(|(name, source)| name != "name" && source.is_object())
    {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for name in ["configMap", "secret", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(name).and_then(Value::as_object_mut) {
            default(source, "defaultMode", json!(420));
        }
    }
    if let Some(path) = volume.get_mut("hostPath").and_then(Value::as_object_mut) {
        default(path, "type", json!(""));
    }
    if let Some(source) = volume.get_mut("downwardAPI") {
        reference_defaults(source);
    }
    let projected = volume
        .get_mut("projected")
        .and_then(|source| source.get_mut("sources"));
    let sources = projected.and_then(Value::as_array_mut);
    for source in sources.into_iter().flatten() {
        if let Some(token) = source.get_mut("serviceAccountToken") {
            default(fields_mut(token), "expirationSeconds", json!(3600));
        }
        if let Some(source) = source.get_mut("downwardAPI") {
            reference_defaults(source);
        }
    }
}

fn reference_defaults(source: &mut Value) {
    let items = source.get_mut("items").and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        if let Some(reference) = item.get_mut("fieldRef") {
            default(fields_mut(reference), "apiVersion", json!("v1"));
        }
        if let Some(reference) = item.get_mut("resourceFieldRef") {
            default(fields_mut(reference), "divisor", json!("0"));
        }
    }
}

/// Notes what is wrong; the names are for the mounts.
pub(super) fn validate(volumes: &Field<'_>, errors: &mut Vec<FieldError>) -> Names {
    let mut names = Names::default();
    for volume in volumes.items() {
        let name = volume.member("name");
        if name.text().is_empty() {
            errors.push(name.required(""));
        } else {
            errors.extend(name.name(names::label));
        }
        errors.extend(names.note(&name));
        validate_source(&volume, errors);
    }
    names
}

fn validate_source(volume: &Field<'_>, errors: &mut Vec<FieldError>) {
    let members = volume.value.as_object().into_iter().flatten();
    let mut sources: Vec<&str> = members
        .filter(|(name, source)| *name != "name" && source.is_object())
        .map(|(name, _)| name.as_str())
        .collect();
    // An empty directory is looked at first, so that it is never the one too many.
    sources.sort_by_key(|name| *name != "emptyDir");
    for name in sources.iter().skip(1) {
        let why = "may not specify more than 1 volume type";
        errors.push(volume.member(name).forbidden(why));
    }
    let required = [
        ("hostPath", "path"),
        ("secret", "secretName"),
        ("configMap", "name"),
        ("persistentVolumeClaim", "claimName"),
    ];
    for (source, field) in required {
        let source = volume.member(source);
        let field = source.member(field);
        if !source.is_null() && field.text().is_empty() {
            errors.push(field.required(""));
        }
    }
}
