//! CustomResourceDefinitions: defaults, the life cycle's marks, and what a definition may say.
//!
//! Serving what is defined is the CRD controller's business.

mod advice;
mod parts;

use serde_json::{Value, json};

pub(super) use self::advice::warnings;
use crate::{
    error::FieldError,
    object::{Fields, child_mut, fields_mut, text},
    strategy::{field::Field, names},
    webhook::validation,
};

pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(super) fn defaults(value: &mut Value) {
    let spec = child_mut(value, "spec");
    if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut)
        && let Some(kind) = names.get("kind").and_then(Value::as_str).map(str::to_owned)
    {
        names
            .entry("singular")
            .or_insert_with(|| json!(kind.to_lowercase()));
        names
            .entry("listKind")
            .or_insert_with(|| json!(format!("{kind}List")));
    }
    let conversion = spec
        .entry("conversion")
        .or_insert_with(|| json!({"strategy": "None"}));
    let service = conversion.pointer_mut("/webhook/clientConfig/service");
    if let Some(service) = service.and_then(Value::as_object_mut) {
        service.entry("port").or_insert_with(|| json!(443));
    }
}

/// Says why a definition cannot be decoded.
pub(super) fn check_types(value: &Value) -> Result<(), String> {
    let bundle = ["spec", "conversion", "webhook", "clientConfig", "caBundle"];
    match text(value, &bundle) {
        Some(bundle) => validation::check_bundle(bundle),
        None => Ok(()),
    }
}

/// The status of a fresh definition: nothing accepted yet, the storage version noted.
pub(super) fn prepare(value: &mut Value) {
    let stored = storage_versions(value);
    let status = json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored});
    fields_mut(value).insert("status".to_owned(), status);
}

fn storage_versions(value: &Value) -> Value {
    let versions = value["spec"]["versions"].as_array().into_iter().flatten();
    let stored: Vec<&Value> = versions
        .filter(|version| version["storage"] == true)
        .map(|version| &version["name"])
        .collect();
    match stored.first() {
        Some(first) => json!([first]),
        None => Value::Null,
    }
}

/// A new storage version is added to those that may have been stored.
pub(super) fn carry_over(new: &mut Value, old: &Value) {
    let mut stored = old["status"]["storedVersions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for version in storage_versions(new).as_array().into_iter().flatten() {
        if !stored.contains(version) {
            stored.push(version.clone());
        }
    }
    if !stored.is_empty() {
        child_mut(new, "status").insert("storedVersions".to_owned(), Value::Array(stored));
    }
}

pub(super) fn validate(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &value["spec"];
    let group = text(spec, &["group"]).unwrap_or_default();
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid(
            "spec.group",
            &json!(group),
            "should be a domain with at least one dot",
        ));
    }
    let wrong = names::subdomain(group);
    let wrong = wrong.iter().filter(|_| !group.is_empty());
    errors.extend(wrong.map(|why| FieldError::invalid("spec.group", &json!(group), why)));
    let whole = Field::root(value, "spec");
    parts::validate_names(&whole, &mut errors);
    parts::validate_conversion(&whole, &mut errors);
    match spec["scope"].as_str().unwrap_or_default() {
        "" => errors.push(FieldError::required("spec.scope", "")),
        "Namespaced" | "Cluster" => {}
        _ => errors.push(FieldError::unsupported(
            "spec.scope",
            &spec["scope"],
            &["Cluster", "Namespaced"],
        )),
    }
    validate_versions(value, &mut errors);
    errors
}

/// What is demanded of new definitions only.
pub(super) fn validate_create(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &value["spec"];
    let group = text(spec, &["group"]).unwrap_or_default();
    let plural = text(spec, &["names", "plural"]).unwrap_or_default();
    let name = crate::object::meta(value, "name");
    if name != format!("{plural}.{group}") || plural.is_empty() {
        let why = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", &json!(name), why));
    }
    errors.extend(parts::validate_approval(value));
    errors
}

fn validate_versions(value: &Value, errors: &mut Vec<FieldError>) {
    let versions = value["spec"]["versions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let single = versions.len() == 1;
    for (index, version) in versions.iter().enumerate() {
        let name = text(version, &["name"]).unwrap_or_default();
        for why in names::label_1035(name) {
            if index == 0 {
                errors.push(FieldError::invalid("spec.version", &json!(name), &why));
            }
            errors.push(FieldError::invalid(
                format!("spec.versions[{index}].name"),
                &json!(name),
                why,
            ));
        }
        parts::validate_version(version, (index, single), errors);
        let holder = if single { "validation" } else { "schema" };
        let path = format!("{}.openAPIV3Schema", parts::path_of(holder, index, single));
        match version["schema"]
            .get("openAPIV3Schema")
            .filter(|schema| schema.is_object())
        {
            None => errors.push(FieldError::required(
                format!("spec.versions[{index}].schema.openAPIV3Schema"),
                "",
            )),
            Some(schema) => crate::strategy::structural::validate_root(schema, &path, errors),
        }
    }
    let mut seen = Vec::new();
    for version in versions {
        if seen.contains(&&version["name"]) {
            let message = format!(
                "Invalid value: {}: must contain unique version names",
                show_versions(versions)
            );
            errors.push(FieldError::new(
                "FieldValueInvalid",
                "spec.versions",
                message,
            ));
            break;
        }
        seen.push(&version["name"]);
    }
    validate_storage(
        &value["spec"]["versions"],
        &value["status"]["storedVersions"],
        errors,
    );
}

fn validate_storage(given: &Value, stored: &Value, errors: &mut Vec<FieldError>) {
    let versions = given.as_array().map(Vec::as_slice).unwrap_or_default();
    let storage: Vec<&Value> = versions
        .iter()
        .filter(|version| version["storage"] == true)
        .collect();
    if storage.len() != 1 {
        let shown = if versions.is_empty() {
            given.to_string()
        } else {
            show_versions(versions)
        };
        let why = "must have exactly one version marked as storage version";
        errors.push(FieldError::new(
            "FieldValueInvalid",
            "spec.versions",
            format!("Invalid value: {shown}: {why}"),
        ));
    }
    let listed = stored.as_array().map(Vec::as_slice).unwrap_or_default();
    if listed.is_empty() {
        errors.push(FieldError::invalid(
            "status.storedVersions",
            stored,
            "must have at least one stored version",
        ));
    } else if let Some(missing) = storage
        .iter()
        .map(|version| &version["name"])
        .find(|name| !listed.contains(name))
    {
        let why = format!(
            "must have the storage version {}",
            missing.as_str().unwrap_or_default()
        );
        errors.push(FieldError::invalid("status.storedVersions", stored, why));
    }
}

/// Versions as Go prints its internal struct.
fn show_versions(versions: &[Value]) -> String {
    let show = |version: &Value| {
        let flag = |name: &str| version[name] == true;
        format!(
            "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":null,\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}}",
            version["name"],
            flag("served"),
            flag("storage"),
            flag("deprecated"),
        )
    };
    format!(
        "[{}]",
        versions.iter().map(show).collect::<Vec<_>>().join(",")
    )
}

pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let established = |status: &Value| {
        let conditions = status["conditions"].as_array().into_iter().flatten();
        conditions
            .into_iter()
            .any(|one| one["type"] == "Established" && one["status"] == "True")
    };
    if established(&old["status"]) {
        errors.extend(wrong_bundle(new).filter(|_| wrong_bundle(old).is_none()));
        for path in [&["scope"][..], &["names", "kind"]] {
            let (after, before) = (
                crate::object::at(&new["spec"], path),
                crate::object::at(&old["spec"], path),
            );
            if after != before {
                let field = format!("spec.{}", path.join("."));
                errors.push(FieldError::immutable(field, after.unwrap_or(&Value::Null)));
            }
        }
    }
    for path in [&["group"][..], &["names", "plural"]] {
        let of = |value: &Value| {
            crate::object::at(&value["spec"], path)
                .cloned()
                .unwrap_or_default()
        };
        if of(new) != of(old) {
            errors.push(FieldError::immutable(
                format!("spec.{}", path.join(".")),
                &of(new),
            ));
        }
    }
    errors.extend(missing_stored(new));
    errors
}

/// What is wrong with the bundle of the webhook, if there is one.
fn wrong_bundle(value: &Value) -> Option<FieldError> {
    let bundle = parts::client_config(&Field::root(value, "spec")).member("caBundle");
    let is_given = !bundle.text().is_empty();
    is_given.then(|| validation::validate_bundle(&bundle))?
}

/// Versions that objects may still be stored in must stay.
fn missing_stored(value: &Value) -> Vec<FieldError> {
    let versions = value["spec"]["versions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let stored = Field::root(value, "status").member("storedVersions");
    let stored = stored
        .items()
        .filter(|name| !versions.iter().any(|one| one["name"] == *name.value));
    let errors = stored.map(|name| {
        let version = name.text();
        name.invalid(&format!(
            "missing from spec.versions; {version} was previously a storage version, and must remain in \
             spec.versions until a storage migration ensures no data remains persisted in {version} and removes \
             {version} from status.storedVersions"
        ))
    });
    errors.collect()
}

/// Sets a condition; true when that changed anything.
pub(crate) fn set_condition(
    status: &mut Fields,
    kind: &str,
    state: &str,
    reason: &str,
    message: &str,
    now: &str,
) -> bool {
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if conditions.is_null() {
        *conditions = json!([]);
    }
    let Some(list) = conditions.as_array_mut() else {
        return false;
    };
    let wanted = json!({"type": kind, "status": state, "reason": reason, "message": message});
    let same = |one: &Value| {
        ["status", "reason", "message"]
            .iter()
            .all(|field| one[field] == wanted[field])
    };
    if let Some(present) = list.iter_mut().find(|one| one["type"] == kind) {
        if same(present) {
            return false;
        }
        let since = if present["status"] == state {
            present["lastTransitionTime"].clone()
        } else {
            json!(now)
        };
        *present = wanted;
        present["lastTransitionTime"] = since;
        return true;
    }
    let mut added = wanted;
    added["lastTransitionTime"] = json!(now);
    list.push(added);
    true
}
