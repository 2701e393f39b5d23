//! Rules for `metadata.ownerReferences`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::error::FieldError;

/// What a server says about owners that are named twice; it keeps one of each.
pub(crate) fn warn_of_duplicates(object: &Value) -> Option<String> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let mut seen = BTreeSet::new();
    let uids = owners.iter().filter_map(|owner| owner["uid"].as_str());
    let twice: BTreeSet<&str> = uids.filter(|uid| !seen.insert(*uid)).collect();
    let twice: Vec<&str> = twice.into_iter().collect();
    (!twice.is_empty()).then(|| {
        format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, \
             and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            twice.join(", ")
        )
    })
}

pub(super) fn validate_owners(owners: &Value, errors: &mut Vec<FieldError>) {
    let mut controllers: Vec<&Value> = Vec::new();
    for owner in owners.as_array().into_iter().flatten() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner[field].as_str().unwrap_or_default().is_empty() {
                let path = format!("metadata.ownerReferences.{field}");
                let why = if field == "apiVersion" {
                    "version must not be empty"
                } else {
                    "must not be empty"
                };
                errors.push(FieldError::invalid(path, &json!(""), why));
            }
        }
        let version = owner["apiVersion"].as_str().unwrap_or_default();
        if version.matches('/').count() > 1 {
            let why = "version must not be empty";
            let path = "metadata.ownerReferences.apiVersion";
            errors.push(FieldError::invalid(path, &json!(version), why));
        }
        if owner["kind"] == "Event" && version == "v1" {
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            let why = format!("{group}/{version}, Kind=Event is disallowed from being an owner");
            let path = "metadata.ownerReferences";
            errors.push(FieldError::new(
                "FieldValueInvalid",
                path,
                format!(
                    "Invalid value: {}: {why}",
                    show_owners(&json!([owner])).trim_matches(['[', ']'])
                ),
            ));
        }
        if owner["controller"] == true {
            controllers.push(owner);
        }
    }
    if let [first, second, ..] = controllers[..] {
        let name = |owner: &Value| {
            format!(
                "{}/{}",
                owner["kind"].as_str().unwrap_or_default(),
                owner["name"].as_str().unwrap_or_default()
            )
        };
        let why = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
            name(first),
            name(second),
        );
        let shown = show_owners(owners);
        errors.push(FieldError::new(
            "FieldValueInvalid",
            "metadata.ownerReferences",
            format!("Invalid value: {shown}: {why}"),
        ));
    }
}

/// Owner references as Go prints them: members in the order of the struct.
fn show_owners(owners: &Value) -> String {
    let order = [
        "apiVersion",
        "kind",
        "name",
        "uid",
        "controller",
        "blockOwnerDeletion",
    ];
    let show = |owner: &Value| {
        let members = order
            .iter()
            .filter_map(|&name| owner.get(name).map(|value| format!("{name:?}:{value}")));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let shown: Vec<String> = owners.as_array().into_iter().flatten().map(show).collect();
    format!("[{}]", shown.join(","))
}
