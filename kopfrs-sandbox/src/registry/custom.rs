//! Kinds made from CustomResourceDefinitions.
//!
//! Called by the CRD controller. It reads a definition that was validated before; it decides nothing about requests.

use std::{cmp::Reverse, sync::Arc};

use serde_json::Value;

use super::kind::{Kind, Names, Origin, Subresource};
use crate::{object::text, schema::Schema};

/// A custom resource's verbs, in the order a real server lists them.
const VERBS: &[&str] = &[
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
];
const READ_WRITE: &[&str] = &["get", "patch", "update"];

/// What only custom kinds have.
#[derive(Debug)]
pub(crate) struct Custom {
    /// This version's schema.
    pub(crate) schema: Schema,
    /// The same, as OpenAPI shows it.
    pub(crate) raw_schema: Value,
    /// The schema objects are stored by.
    pub(crate) storage: Arc<Schema>,
    /// Identifies `storage` among all schemas of this sandbox: objects carry it.
    pub(crate) storage_id: u64,
    /// Whether this version is the one stored.
    pub(crate) is_storage: bool,
    pub(crate) columns: Vec<Value>,
    pub(crate) scale: Option<ScalePaths>,
    pub(crate) deprecation: Option<String>,
    /// Whether the definition is being deleted: nothing new may be created.
    pub(crate) is_terminating: bool,
    pub(crate) selectable: Vec<String>,
    /// The definition's name, and which state of it this is.
    pub(crate) definition: String,
    pub(crate) generation: i64,
}

/// Where the scale subresource finds its values, as member names.
#[derive(Debug, Clone)]
pub(crate) struct ScalePaths {
    pub(crate) spec: Vec<String>,
    pub(crate) status: Vec<String>,
    pub(crate) selector: Option<Vec<String>>,
}

/// The served versions of a definition.
pub(crate) fn kinds(definition: &Value, storage_id: u64) -> Vec<Kind> {
    let spec = &definition["spec"];
    let versions = spec["versions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let is_storage = |version: &&Value| version["storage"] == true;
    let storage = versions
        .iter()
        .find(is_storage)
        .map(version_schema)
        .unwrap_or_default();
    let storage = Arc::new(storage);
    let served = versions.iter().filter(|version| version["served"] == true);
    served
        .map(|version| {
            let mut names = names(spec);
            text(version, &["name"])
                .unwrap_or_default()
                .clone_into(&mut names.version);
            let custom = Custom {
                schema: version_schema(version),
                raw_schema: version["schema"]["openAPIV3Schema"].clone(),
                storage: storage.clone(),
                storage_id,
                is_storage: is_storage(&version),
                columns: version["additionalPrinterColumns"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default(),
                scale: scale(version),
                deprecation: deprecation(spec, versions, version),
                is_terminating: crate::object::is_deleting(definition),
                selectable: selectable(version),
                definition: crate::object::meta(definition, "name").to_owned(),
                generation: definition["metadata"]["generation"].as_i64().unwrap_or(0),
            };
            let subresources = subresources(version);
            Kind::new(names, VERBS, subresources, Origin::Custom(Arc::new(custom)))
        })
        .collect()
}

fn version_schema(version: &Value) -> Schema {
    Schema::parse(&version["schema"]["openAPIV3Schema"])
}

fn names(spec: &Value) -> Names {
    let name = |field: &str| text(spec, &["names", field]).unwrap_or_default().to_owned();
    let list = |field: &str| {
        let list = spec["names"][field].as_array();
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    Names {
        group: text(spec, &["group"]).unwrap_or_default().to_owned(),
        version: String::new(),
        plural: name("plural"),
        singular: name("singular"),
        kind: name("kind"),
        list_kind: name("listKind"),
        short_names: list("shortNames"),
        categories: list("categories"),
        namespaced: spec["scope"] == "Namespaced",
    }
}

fn subresources(version: &Value) -> Vec<Subresource> {
    let declared = &version["subresources"];
    let mut subresources = Vec::new();
    if declared["status"].is_object() {
        subresources.push(Subresource {
            name: "status",
            verbs: READ_WRITE,
            foreign: None,
        });
    }
    if declared["scale"].is_object() {
        let foreign = Some(("autoscaling", "v1", "Scale"));
        subresources.push(Subresource {
            name: "scale",
            verbs: READ_WRITE,
            foreign,
        });
    }
    subresources
}

fn scale(version: &Value) -> Option<ScalePaths> {
    let scale = version["subresources"]
        .get("scale")
        .filter(|scale| scale.is_object())?;
    let path = |field: &str| -> Option<Vec<String>> {
        let path = scale[field].as_str()?.trim_start_matches('.');
        Some(path.split('.').map(str::to_owned).collect())
    };
    Some(ScalePaths {
        spec: path("specReplicasPath")?,
        status: path("statusReplicasPath")?,
        selector: path("labelSelectorPath"),
    })
}

fn selectable(version: &Value) -> Vec<String> {
    let fields = version["selectableFields"].as_array().into_iter().flatten();
    fields
        .filter_map(|field| field["jsonPath"].as_str())
        .map(|path| path.trim_start_matches('.').to_owned())
        .collect()
}

/// The warning of a deprecated version: its own, or one that names the best version that is not deprecated.
fn deprecation(spec: &Value, versions: &[Value], version: &Value) -> Option<String> {
    if version["deprecated"] != true {
        return None;
    }
    if let Some(own) = version["deprecationWarning"].as_str() {
        return Some(own.to_owned());
    }
    let group = text(spec, &["group"]).unwrap_or_default();
    let kind = text(spec, &["names", "kind"]).unwrap_or_default();
    let name = |version: &Value| text(version, &["name"]).unwrap_or_default().to_owned();
    let this = name(version);
    let candidates = versions
        .iter()
        .filter(|other| other["served"] == true && other["deprecated"] != true)
        .map(name);
    let better = candidates
        .filter(|other| priority(other) > priority(&this))
        .max_by_key(|other| priority(other));
    let advice = better
        .map(|better| format!("; use {group}/{better} {kind}"))
        .unwrap_or_default();
    Some(format!("{group}/{this} {kind} is deprecated{advice}"))
}

/// Orders versions as Kubernetes prefers them: v2, v1, v1beta1, v1alpha1, then others by name.
pub(crate) fn priority(version: &str) -> (u8, u64, u64, Reverse<String>) {
    parse_version(version).map_or(
        (0, 0, 0, Reverse(version.to_owned())),
        |(stage, major, minor)| (stage, major, minor, Reverse(String::new())),
    )
}

fn parse_version(version: &str) -> Option<(u8, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let major: u64 = rest[..digits].parse().ok()?;
    let stage = &rest[digits..];
    if stage.is_empty() {
        return Some((3, major, 0));
    }
    let (rank, minor) = if let Some(minor) = stage.strip_prefix("beta") {
        (2, minor)
    } else {
        (1, stage.strip_prefix("alpha")?)
    };
    Some((rank, major, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_stability_then_number() {
        let mut versions = vec![
            "foo1", "v1alpha1", "v2", "v1beta2", "v10", "v1", "v1beta1", "foo10",
        ];
        versions.sort_by_key(|version| Reverse(priority(version)));
        assert_eq!(
            versions,
            [
                "v10", "v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "foo1", "foo10"
            ]
        );
    }
}
