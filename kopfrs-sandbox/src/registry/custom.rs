//! Kinds made from CustomResourceDefinitions.
//!
//! Called by the CRD controller. It reads a definition that was validated before; it decides nothing about requests.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::kind::{Kind, Names, Origin, Subresource};
use crate::{
    object::{Form, text},
    schema::Schema,
};

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
    /// This version.
    pub(crate) version: Arc<str>,
    /// Its schema.
    pub(crate) schema: Arc<Schema>,
    /// The same, as OpenAPI shows it.
    pub(crate) raw_schema: Value,
    pub(crate) versions: Arc<Versions>,
    /// Identifies this state of the definition among all of this sandbox: objects carry it.
    pub(crate) storage_id: u64,
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

/// What all versions of a custom resource have in common.
#[derive(Debug)]
pub(crate) struct Versions {
    /// The one that objects are written in.
    pub(crate) stored: Arc<str>,
    /// All of them, also those that are not served.
    pub(crate) schemas: BTreeMap<Arc<str>, Arc<Schema>>,
    pub(crate) conversion: Conversion,
}

/// How an object of one version becomes one of another.
#[derive(Debug)]
pub(crate) enum Conversion {
    /// By the schemas alone.
    None,
    Webhook(Webhook),
}

/// Whom to ask for conversions.
#[derive(Debug)]
pub(crate) struct Webhook {
    /// Its `clientConfig`.
    pub(crate) client: Value,
    pub(crate) review_versions: Vec<String>,
}

impl Custom {
    /// What objects of this version are made for.
    pub(crate) fn form(&self) -> Form {
        self.form_of(&self.version)
    }

    /// What stored objects are made for.
    pub(crate) fn stored_form(&self) -> Form {
        self.form_of(&self.versions.stored)
    }

    fn form_of(&self, version: &Arc<str>) -> Form {
        Form {
            schema: self.storage_id,
            version: Some(version.clone()),
        }
    }
}

impl Versions {
    fn read(spec: &Value, versions: &[Value]) -> Self {
        let name = |version: &Value| Arc::from(text(version, &["name"]).unwrap_or_default());
        let stored = versions.iter().find(|version| version["storage"] == true);
        let schemas = versions
            .iter()
            .map(|version| (name(version), Arc::new(version_schema(version))));
        Self {
            stored: stored.map(name).unwrap_or_default(),
            schemas: schemas.collect(),
            conversion: Conversion::read(&spec["conversion"]),
        }
    }
}

impl Conversion {
    fn read(conversion: &Value) -> Self {
        if conversion["strategy"] != "Webhook" {
            return Self::None;
        }
        let webhook = &conversion["webhook"];
        let versions = webhook["conversionReviewVersions"].as_array();
        Self::Webhook(Webhook {
            client: webhook["clientConfig"].clone(),
            review_versions: versions
                .into_iter()
                .flatten()
                .filter_map(|version| version.as_str().map(str::to_owned))
                .collect(),
        })
    }
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
    let all = Arc::new(Versions::read(spec, versions));
    let served = versions.iter().filter(|version| version["served"] == true);
    served
        .map(|version| {
            let mut names = names(spec);
            text(version, &["name"])
                .unwrap_or_default()
                .clone_into(&mut names.version);
            let (version_name, schema) = all
                .schemas
                .get_key_value(names.version.as_str())
                .expect("all versions were read above");
            let custom = Custom {
                version: version_name.clone(),
                schema: schema.clone(),
                raw_schema: version["schema"]["openAPIV3Schema"].clone(),
                versions: all.clone(),
                storage_id,
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
