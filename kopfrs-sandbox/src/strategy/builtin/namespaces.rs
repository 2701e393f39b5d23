//! Namespaces: their name label, their finalizer and their phase.

use serde_json::{Value, json};

use crate::object::{child_mut, fields_mut, meta, metadata_mut};

const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(super) fn prepare_namespace(value: &mut Value) {
    let name = meta(value, "name").to_owned();
    child_mut(value, "spec").insert("finalizers".to_owned(), json!(["kubernetes"]));
    fields_mut(value).insert("status".to_owned(), json!({"phase": "Active"}));
    label_with_name(value, &name);
}

/// The label is there before anybody is asked about a new namespace.
pub(super) fn namespace_defaults(value: &mut Value) {
    let name = meta(value, "name").to_owned();
    if !name.is_empty() {
        label_with_name(value, &name);
    }
}

fn label_with_name(value: &mut Value, name: &str) {
    let labels = metadata_mut(value)
        .entry("labels")
        .or_insert_with(|| json!({}));
    fields_mut(labels).insert(NAME_LABEL.to_owned(), json!(name));
}

/// The name label cannot be changed; `spec` is the finalize subresource's.
pub(super) fn keep_namespace_label(new: &mut Value, old: &Value) {
    let name = meta(old, "name").to_owned();
    label_with_name(new, &name);
    if let Some(spec) = old.get("spec") {
        fields_mut(new).insert("spec".to_owned(), spec.clone());
    }
}
