//! The definition of the kind, made of both files. Pure.

use kube::core::schema::{OptionalEnum, OptionalIntOrString, StructuralSchemaRewriter};
use schemars::generate::SchemaSettings;
use schemars::transform::AddNullable;
use serde_json::{Value, json};

use super::controller::Controller;
use crate::lifecycle::Status;

/// The definition, with the status that lifecycles write.
pub(super) fn definition(controller: &Controller, spec: &Value) -> Value {
    let (group, kind, plural) = (controller.group(), controller.kind(), controller.plural());
    let mut schema = json!({"type": "object", "properties": {"spec": spec, "status": status()}});
    let is_needed = |required: &Vec<Value>| !required.is_empty();
    if spec["required"].as_array().is_some_and(is_needed) {
        // Or an object without any spec would have all that the spec requires.
        schema["required"] = json!(["spec"]);
    }
    let version = json!({
        "name": controller.version(),
        "served": true,
        "storage": true,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
            {"name": "Message", "type": "string", "jsonPath": ".status.message"},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ],
        "schema": {"openAPIV3Schema": schema},
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": kind, "listKind": format!("{kind}List"), "plural": plural,
                "singular": controller.singular(),
            },
            "versions": [version],
        },
    })
}

/// The schema of [`Status`], as derived definitions have it.
fn status() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let generator = settings
        .with_transform(AddNullable::default())
        .with_transform(StructuralSchemaRewriter)
        .with_transform(OptionalEnum)
        .with_transform(OptionalIntOrString)
        .into_generator();
    let mut schema = generator.into_root_schema_for::<Status>().to_value();
    if let Some(members) = schema.as_object_mut() {
        // They are for people who read the source.
        members.remove("title");
        members.remove("description");
    }
    schema
}
