//! OpenAPI v3: what `kubectl apply`, `create`, `replace` and `explain` look at.
//!
//! Custom kinds show their whole schema, built-in ones an outline. Built per group version when first asked for.

use std::sync::PoisonError;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Kind, Kinds, Origin, types::Type};
use crate::object::to_json;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

fn path(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

/// `/openapi/v3`: the documents there are.
pub(crate) fn index(kinds: &Kinds) -> Bytes {
    let build = || {
        let mut paths = json!({});
        for (group, versions) in &kinds.groups {
            for version in versions {
                let path = path(group, version);
                let document = document(kinds, group, version).unwrap_or_default();
                let hash = document
                    .iter()
                    .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
                    });
                paths[&path] =
                    json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash:016X}")});
            }
        }
        to_json(&json!({"paths": paths}))
    };
    kinds.documents.openapi_index.get_or_init(build).clone()
}

/// `/openapi/v3/apis/GROUP/VERSION`.
pub(crate) fn document(kinds: &Kinds, group: &str, version: &str) -> Option<Bytes> {
    if !kinds.has_version(group, version) {
        return None;
    }
    let mut built = kinds
        .documents
        .openapi
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let document = built
        .entry(path(group, version))
        .or_insert_with(|| to_json(&build(kinds, group, version)));
    Some(document.clone())
}

fn build(kinds: &Kinds, group: &str, version: &str) -> Value {
    let mut paths = json!({});
    let mut schemas = json!({OBJECT_META: object_meta()});
    for kind in kinds.of_version(group, version) {
        let base = format!("/{}", path(group, version));
        let base = if kind.namespaced {
            format!("{base}/namespaces/{{namespace}}")
        } else {
            base
        };
        let collection = format!("{base}/{}", kind.plural);
        paths[format!("{collection}/{{name}}")] = item_path(kind);
        paths[collection] = collection_path(kind);
        schemas[schema_name(kind)] = schema(kind);
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths, "components": {"schemas": schemas},
    })
}

fn gvk(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

fn schema_name(kind: &Kind) -> String {
    let mut parts: Vec<&str> = kind
        .group
        .split('.')
        .filter(|part| !part.is_empty())
        .collect();
    parts.reverse();
    parts.extend([kind.version.as_str(), kind.kind.as_str()]);
    if kind.group.is_empty() {
        parts.insert(0, "io.k8s.api.core");
    }
    parts.join(".")
}

fn operation(kind: &Kind, action: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
        .collect();
    let reference = json!({"$ref": format!("#/components/schemas/{}", schema_name(kind))});
    json!({
        "parameters": parameters, "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk(kind),
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}},
    })
}

const WRITE: [&str; 3] = ["dryRun", "fieldManager", "fieldValidation"];

fn item_path(kind: &Kind) -> Value {
    json!({
        "get": operation(kind, "get", &[]),
        "put": operation(kind, "put", &WRITE),
        "patch": operation(kind, "patch", &["dryRun", "fieldManager", "fieldValidation", "force"]),
        "delete": operation(kind, "delete", &["dryRun", "gracePeriodSeconds", "propagationPolicy"]),
    })
}

fn collection_path(kind: &Kind) -> Value {
    json!({"get": operation(kind, "list", &[]), "post": operation(kind, "post", &WRITE)})
}

fn schema(kind: &Kind) -> Value {
    let mut schema = match &kind.origin {
        Origin::Custom(custom) => custom.raw_schema.clone(),
        Origin::BuiltIn(_) => outline(kind),
    };
    if !schema.is_object() {
        schema = json!({"type": "object"});
    }
    schema["x-kubernetes-group-version-kind"] = json!([gvk(kind)]);
    let texts = [
        (
            "apiVersion",
            "APIVersion defines the versioned schema of this representation of an object.",
        ),
        (
            "kind",
            "Kind is a string value representing the REST resource this object represents.",
        ),
    ];
    for (name, description) in texts {
        schema["properties"][name] = json!({"type": "string", "description": description});
    }
    let reference = json!({"$ref": format!("#/components/schemas/{OBJECT_META}")});
    schema["properties"]["metadata"] =
        json!({"description": "Standard object's metadata.", "allOf": [reference]});
    schema
}

/// Built-in kinds are described by the names and types of their members.
fn outline(kind: &Kind) -> Value {
    let fields = kind.fields.map(|fields| &fields.fields);
    let properties: serde_json::Map<String, Value> = fields
        .into_iter()
        .flatten()
        .map(|(name, field)| ((*name).to_owned(), described(&field.of)))
        .collect();
    json!({"type": "object", "description": format!("{} is a built-in kind.", kind.kind), "properties": properties})
}

fn described(of: &Type) -> Value {
    match of {
        Type::Text => json!({"type": "string"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Time | Type::MicroTime => json!({"type": "string", "format": "date-time"}),
        Type::Bool => json!({"type": "boolean"}),
        Type::Int32 => json!({"type": "integer", "format": "int32"}),
        Type::Int64 => json!({"type": "integer", "format": "int64"}),
        Type::Number => json!({"type": "number"}),
        Type::List(of) => json!({"type": "array", "items": described(of)}),
        Type::Map(of) => json!({"type": "object", "additionalProperties": described(of)}),
        Type::Quantity | Type::IntOrString => json!({"x-kubernetes-int-or-string": true}),
        Type::Any | Type::Struct(_) => {
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
        }
    }
}

fn object_meta() -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let objects = json!({"type": "array", "items": {"type": "object"}});
    json!({
        "type": "object", "description": "ObjectMeta is metadata that all persisted resources must have.",
        "properties": {
            "annotations": texts, "creationTimestamp": text, "deletionGracePeriodSeconds": {"type": "integer"},
            "deletionTimestamp": text, "finalizers": {"type": "array", "items": text}, "generateName": text,
            "generation": {"type": "integer"}, "labels": texts, "managedFields": objects, "name": text,
            "namespace": text, "ownerReferences": objects, "resourceVersion": text, "selfLink": text, "uid": text,
        },
    })
}
