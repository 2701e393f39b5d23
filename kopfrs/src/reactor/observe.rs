//! What the API serves: all resources with all of their names, and what their schemas keep.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::Value;
use tracing::warn;

use crate::api::{ApiError, Connection, Failure, Target};
use crate::resource::Resource;
use crate::storage::StatusSchema;

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
const PLAIN: &str = "application/json";

/// All resources that the API serves, in the order in which it prefers their versions.
///
/// # Errors
/// If nothing at all could be found out; groups that do not answer are left out with a warning.
pub(crate) async fn discover(connection: &Connection) -> Result<Vec<Resource>, ApiError> {
    let core = connection.read::<Value>("/api", AGGREGATED);
    let (core, groups) = tokio::join!(core, connection.read::<Value>("/apis", AGGREGATED));
    let (core, groups) = (core?, groups?);
    if core["kind"] == "APIGroupDiscoveryList" && groups["kind"] == "APIGroupDiscoveryList" {
        let mut resources = aggregated(core)?;
        resources.extend(aggregated(groups)?);
        return Ok(resources);
    }
    one_by_one(connection, &core, &groups).await
}

/// Whether the schema of a resource keeps our state in its status.
pub(crate) async fn status_schema(connection: &Connection, resource: &Resource) -> StatusSchema {
    if !resource.group.contains('.') || !resource.has_subresource("status") {
        return StatusSchema::Prunes;
    }
    let definitions = Resource {
        group: "apiextensions.k8s.io".into(),
        version: "v1".into(),
        plural: "customresourcedefinitions".into(),
        ..Resource::default()
    };
    let name = format!("{}.{}", resource.plural, resource.group);
    let target = Target {
        resource: &definitions,
        namespace: None,
        name: &name,
    };
    match connection.get(target).await {
        Ok(crd) => StatusSchema::of(&crd, &resource.version),
        Err(error) => {
            if error.failure() != Failure::Missing {
                warn!(
                    "the schema of {resource} cannot be read, its objects' state goes to annotations: {error}"
                );
            }
            StatusSchema::Prunes
        }
    }
}

#[derive(Deserialize)]
struct GroupList {
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<GroupVersion>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
    #[serde(default)]
    resources: Vec<GroupResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupResource {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}

#[derive(Deserialize)]
struct Subresource {
    subresource: String,
}

fn aggregated(list: Value) -> Result<Vec<Resource>, ApiError> {
    let list: GroupList = serde_json::from_value(list)
        .map_err(|error| ApiError::Garbage(format!("discovery: {error}")))?;
    let mut resources = Vec::new();
    for group in list.items {
        let mut seen = HashSet::new();
        for version in group.versions {
            for found in version.resources {
                let preferred = seen.insert(found.resource.clone());
                resources.push(resource(
                    &group.metadata.name,
                    &version.version,
                    found,
                    preferred,
                ));
            }
        }
    }
    Ok(resources)
}

fn resource(group: &str, version: &str, found: GroupResource, preferred: bool) -> Resource {
    let kind = found
        .response_kind
        .map(|kind| kind.kind)
        .unwrap_or_default();
    named(Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: found.resource,
        kind,
        singular: found.singular_resource,
        short_names: found.short_names,
        categories: found.categories,
        subresources: found
            .subresources
            .into_iter()
            .map(|s| s.subresource)
            .collect(),
        verbs: found.verbs,
        namespaced: found.scope == "Namespaced",
        preferred,
    })
}

/// Some servers leave the singular name out.
fn named(resource: Resource) -> Resource {
    if resource.singular.is_empty() {
        return Resource {
            singular: resource.kind.to_lowercase(),
            ..resource
        };
    }
    resource
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<ListedResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedResource {
    name: String,
    #[serde(default)]
    singular_name: String,
    namespaced: bool,
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
}

/// Asks each group and version, as servers want it that do not aggregate.
async fn one_by_one(
    connection: &Connection,
    core: &Value,
    groups: &Value,
) -> Result<Vec<Resource>, ApiError> {
    let mut versions: Vec<(String, String)> = Vec::new();
    for version in strings(&core["versions"]) {
        versions.push((String::new(), version));
    }
    for group in groups["groups"].as_array().into_iter().flatten() {
        let name = group["name"].as_str().unwrap_or_default();
        let preferred = group["preferredVersion"]["version"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let others = group["versions"].as_array().into_iter().flatten();
        let others = others
            .filter_map(|v| v["version"].as_str())
            .filter(|v| *v != preferred);
        versions.push((name.to_owned(), preferred.clone()));
        versions.extend(others.map(|version| (name.to_owned(), version.to_owned())));
    }
    let mut resources = Vec::new();
    let mut seen: HashSet<(String, String)> = HashSet::new();
    for (group, version) in versions {
        let path = if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        };
        match connection.read::<ResourceList>(&path, PLAIN).await {
            Ok(list) => {
                for found in listed(&group, &version, list) {
                    let preferred = seen.insert((group.clone(), found.plural.clone()));
                    resources.push(Resource { preferred, ..found });
                }
            }
            Err(error) => warn!("the API group {path} does not answer and is left out: {error}"),
        }
    }
    Ok(resources)
}

fn listed(group: &str, version: &str, list: ResourceList) -> Vec<Resource> {
    let mut subresources: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut resources = Vec::new();
    for found in list.resources {
        if let Some((plural, subresource)) = found.name.split_once('/') {
            subresources
                .entry(plural.to_owned())
                .or_default()
                .push(subresource.to_owned());
            continue;
        }
        resources.push(named(Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: found.name,
            kind: found.kind,
            singular: found.singular_name,
            short_names: found.short_names,
            categories: found.categories,
            subresources: Vec::new(),
            verbs: found.verbs,
            namespaced: found.namespaced,
            preferred: false,
        }));
    }
    for resource in &mut resources {
        resource.subresources = subresources.remove(&resource.plural).unwrap_or_default();
    }
    resources
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
