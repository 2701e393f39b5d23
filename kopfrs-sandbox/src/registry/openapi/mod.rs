//! OpenAPI v3: what `kubectl apply`, `create`, `replace` and `explain` look at.
//!
//! Custom kinds show their whole schema, built-in ones all fields with their types. Built per group version when first
//! asked for.

mod builtin;
pub(crate) mod v2;

use std::{collections::BTreeSet, sync::PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Kind, Kinds, Origin};
use crate::object::{Fields, to_json};

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
    let mut schemas = Fields::new();
    builtin::add(BTreeSet::from(["meta.ObjectMeta"]), &mut schemas);
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
        let schema = schema(kind, &mut schemas);
        schemas.insert(schema_name(kind), schema);
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths, "components": {"schemas": schemas},
    })
}

fn gvk(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

/// As Kubernetes names it: built-in kinds by package, custom ones by their group backwards.
fn schema_name(kind: &Kind) -> String {
    let (version, name) = (&kind.version, &kind.kind);
    match &kind.origin {
        Origin::BuiltIn(_) => {
            let group = kind.group.split('.').next().unwrap_or_default();
            format!("{}.{version}.{name}", builtin::package(group))
        }
        Origin::Custom(_) => {
            let mut parts: Vec<&str> = kind.group.rsplit('.').collect();
            parts.extend([version.as_str(), name]);
            parts.join(".")
        }
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn operation(kind: &Kind, action: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
        .collect();
    let reference = reference(&schema_name(kind));
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

fn schema(kind: &Kind, schemas: &mut Fields) -> Value {
    let mut schema = match &kind.origin {
        Origin::Custom(custom) => custom.raw_schema.clone(),
        Origin::BuiltIn(_) => {
            let properties = builtin::properties(kind, schemas).unwrap_or_default();
            let description = format!("{} is a built-in kind.", kind.kind);
            json!({"type": "object", "description": description, "properties": properties})
        }
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
    schema["properties"]["metadata"] =
        json!({"description": "Standard object's metadata.", "allOf": [reference(OBJECT_META)]});
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    fn text(group: &str) -> Value {
        let kinds = Registry::new().kinds();
        let bytes = document(&kinds, group, "v1").expect("a document");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Every `$ref` of a document.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn everything_that_is_referred_to_is_there() {
        let kinds = Registry::new().kinds();
        for (group, _) in &kinds.groups {
            let document = text(group);
            let mut found = Vec::new();
            references(&document, &mut found);
            for reference in found {
                let name = reference.rsplit('/').next().expect("a name");
                let schema = &document["components"]["schemas"][name];
                assert!(schema.is_object(), "{group}: {reference}");
            }
        }
    }

    #[test]
    fn fields_far_below_a_built_in_kind_have_their_types() {
        let document = text("apps");
        let schema = |name: &str| &document["components"]["schemas"][name]["properties"];
        let container = schema("io.k8s.api.core.v1.Container");
        assert_eq!(container["image"]["type"], "string");
        assert_eq!(container["args"]["items"]["type"], "string");
        let action = schema("io.k8s.api.core.v1.Probe")["httpGet"]["allOf"][0]["$ref"].as_str();
        let action = action.and_then(|name| name.rsplit('/').next());
        assert_eq!(action, Some("io.k8s.api.core.v1.HTTPGetAction"));
        assert_eq!(
            schema("io.k8s.api.core.v1.Volume")["emptyDir"]["allOf"]
                .as_array()
                .map(Vec::len),
            Some(1)
        );
    }
}
