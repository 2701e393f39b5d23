//! Claims on persistent volumes. Nobody binds them: they stay Pending until someone writes their status.

use serde_json::{Value, json};

use crate::{
    error::FieldError,
    object::{child_mut, fields_mut},
    quantity::Quantity,
    strategy::{field::Field, names},
};

pub(super) fn pending(value: &mut Value) {
    fields_mut(value).insert("status".to_owned(), json!({"phase": "Pending"}));
}

pub(super) fn claim_defaults(value: &mut Value) {
    child_mut(value, "spec")
        .entry("volumeMode")
        .or_insert_with(|| json!("Filesystem"));
}

pub(super) fn validate_claim(value: &Value) -> Vec<FieldError> {
    const MODES: [&str; 4] = [
        "ReadOnlyMany",
        "ReadWriteMany",
        "ReadWriteOnce",
        "ReadWriteOncePod",
    ];
    let mut errors = Vec::new();
    let spec = &value["spec"];
    let modes = spec["accessModes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if modes.is_empty() {
        let why = "at least 1 access mode is required";
        errors.push(FieldError::required("spec.accessModes", why));
    }
    let unknown = modes
        .iter()
        .filter(|mode| mode.as_str().is_none_or(|mode| !MODES.contains(&mode)));
    errors.extend(unknown.map(|mode| FieldError::unsupported("spec.accessModes", mode, &MODES)));
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        let why = "may not use ReadWriteOncePod with other access modes";
        errors.push(FieldError::forbidden("spec.accessModes", why));
    }
    let storage = &spec["resources"]["requests"]["storage"];
    match storage.as_str().and_then(Quantity::parse) {
        None => errors.push(FieldError::required("spec.resources[storage]", "")),
        Some(amount) if !amount.is_positive() => errors.push(FieldError::invalid(
            "spec.resources[storage]",
            storage,
            "must be greater than zero",
        )),
        Some(_) => {}
    }
    let volume_modes = ["Block", "Filesystem"];
    let mode = &spec["volumeMode"];
    if mode
        .as_str()
        .is_some_and(|mode| !volume_modes.contains(&mode))
    {
        errors.push(FieldError::unsupported(
            "spec.volumeMode",
            mode,
            &volume_modes,
        ));
    }
    let class = Field::root(value, "spec").member("storageClassName");
    if !class.text().is_empty() {
        errors.extend(class.name(names::subdomain));
    }
    errors
}

/// A claim stays what it is; what is bound may grow.
pub(super) fn validate_claim_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let is_bound = new["status"]["phase"] == "Bound";
    let mut after = new["spec"].clone();
    let before = &old["spec"];
    let storage = |spec: &Value| spec["resources"]["requests"]["storage"].clone();
    if is_bound && after["resources"]["requests"].is_object() {
        after["resources"]["requests"]["storage"] = storage(before);
    }
    let mut free = Vec::new();
    if before["volumeName"].as_str().unwrap_or_default().is_empty() {
        free.push("volumeName");
    }
    if is_bound {
        free.push("volumeAttributesClassName");
    }
    for name in free {
        match before.get(name) {
            Some(kept) => fields_mut(&mut after).insert(name.to_owned(), kept.clone()),
            None => fields_mut(&mut after).remove(name),
        };
    }
    if after != *before {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        errors.push(FieldError::forbidden("spec", why));
    }
    let amount = |spec: &Value| storage(spec).as_str().and_then(Quantity::parse);
    if let (Some(asked), Some(had)) = (amount(&new["spec"]), amount(before))
        && had.is_more_than(asked)
    {
        let why = "field can not be less than status.capacity";
        errors.push(FieldError::forbidden(
            "spec.resources.requests.storage",
            why,
        ));
    }
    let mode = &new["spec"]["volumeMode"];
    if *mode != before["volumeMode"] {
        errors.push(FieldError::immutable("volumeMode", mode));
    }
    errors
}
