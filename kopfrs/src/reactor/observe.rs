//! What the API serves: all resources with all of their names, and what their schemas keep.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::api::{ApiError, Connection, Failure, Target};
use crate::resource::Resource;
use crate::storage::StatusSchema;

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
const PLAIN: &str = "application/json";

/// What the API serves, as far as it says.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// All resources, in the order in which the API prefers their versions.
    pub(crate) resources: Vec<Resource>,
    /// The groups' versions that have not answered.
    pub(crate) silent: Vec<Silent>,
}

/// A version of a group that does not say what it serves.
#[derive(Clone, Debug)]
pub(crate) struct Silent {
    /// As in `apiVersion`.
    pub(crate) api_version: String,
    pub(crate) why: String,
}

/// Asks for all resources that the API serves. A version of a group that does not answer is taken to
/// serve what it has served before.
///
/// # Errors
/// If nothing at all could be found out.
pub(crate) async fn discover(
    connection: &Connection,
    known: &[Resource],
) -> Result<Discovery, ApiError> {
    let core = connection.read::<Value>("/api", AGGREGATED);
    let (core, groups) = tokio::join!(core, connection.read::<Value>("/apis", AGGREGATED));
    let mut versions = told(connection, core?).await?;
    versions.extend(told(connection, groups?).await?);
    let mut discovery = Discovery::default();
    let mut seen: HashSet<(String, String)> = HashSet::new();
    for told in versions {
        let mut resources = told.resources;
        if let Some(why) = told.trouble {
            let before = known
                .iter()
                .filter(|r| is_of(r, &told.group, &told.version));
            let is_told = |known: &&Resource| resources.iter().any(|r| r.plural == known.plural);
            let before: Vec<_> = before.filter(|r| !is_told(r)).cloned().collect();
            resources.extend(before);
            let version = told.version;
            let api_version = match &*told.group {
                "" => version,
                group => format!("{group}/{version}"),
            };
            discovery.silent.push(Silent { api_version, why });
        }
        for resource in resources {
            let preferred = seen.insert((resource.group.clone(), resource.plural.clone()));
            discovery.resources.push(Resource {
                preferred,
                ..resource
            });
        }
    }
    Ok(discovery)
}

/// Whether the schema of a resource keeps our state in its status.
///
/// # Errors
/// If that cannot be found out; a kind without a definition keeps nothing.
pub(crate) async fn status_schema(
    connection: &Connection,
    resource: &Resource,
) -> Result<StatusSchema, ApiError> {
    if !resource.group.contains('.') || !resource.has_subresource("status") {
        return Ok(StatusSchema::default());
    }
    match definition(connection, resource).await {
        Ok(crd) => Ok(StatusSchema::of(&crd, &resource.version)),
        Err(error) if error.failure() == Failure::Missing => Ok(StatusSchema::default()),
        Err(error) => Err(error),
    }
}

/// Whether a resource is to be served as its definition says. An API server that has just started does
/// not tell of all kinds that it is going to serve.
///
/// # Errors
/// If that cannot be found out.
pub(crate) async fn is_defined(
    connection: &Connection,
    resource: &Resource,
) -> Result<bool, ApiError> {
    match definition(connection, resource).await {
        Ok(crd) => {
            let mut versions = crd["spec"]["versions"].as_array().into_iter().flatten();
            Ok(versions.any(|v| v["name"] == *resource.version && v["served"] == true))
        }
        Err(error) if error.failure() == Failure::Missing => Ok(false),
        Err(error) => Err(error),
    }
}

async fn definition(connection: &Connection, resource: &Resource) -> Result<Value, ApiError> {
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
    connection.get(target).await
}

/// What one version of a group serves.
struct Told {
    group: String,
    version: String,
    resources: Vec<Resource>,
    /// Why there may be more.
    trouble: Option<String>,
}

#[derive(Deserialize)]
struct GroupList {
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default, deserialize_with = "listed_or_none")]
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
    freshness: String,
    #[serde(default, deserialize_with = "listed_or_none")]
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
    #[serde(default, deserialize_with = "listed_or_none")]
    short_names: Vec<String>,
    #[serde(default, deserialize_with = "listed_or_none")]
    categories: Vec<String>,
    #[serde(default, deserialize_with = "listed_or_none")]
    verbs: Vec<String>,
    #[serde(default, deserialize_with = "listed_or_none")]
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

/// Servers write lists without items as `null`, too; one that does must not hide all others.
fn listed_or_none<'de, T, D>(value: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(value).map(Option::unwrap_or_default)
}

fn is_of(resource: &Resource, group: &str, version: &str) -> bool {
    resource.group == group && resource.version == version
}

/// Reads a document of discovery, and what it refers to.
async fn told(connection: &Connection, document: Value) -> Result<Vec<Told>, ApiError> {
    if document["kind"] == "APIGroupDiscoveryList" {
        return aggregated(document);
    }
    Ok(one_by_one(connection, &document).await)
}

fn aggregated(list: Value) -> Result<Vec<Told>, ApiError> {
    let list: GroupList = serde_json::from_value(list)
        .map_err(|error| ApiError::Garbage(format!("discovery: {error}")))?;
    let mut versions = Vec::new();
    for group in list.items {
        let name = group.metadata.name;
        for version in group.versions {
            let found = version.resources.into_iter();
            versions.push(Told {
                group: name.clone(),
                resources: found
                    .map(|found| resource(&name, &version.version, found))
                    .collect(),
                version: version.version,
                // A server behind the API does not answer: what is told of it may be outdated.
                trouble: (version.freshness == "Stale").then(|| "what it tells is stale".into()),
            });
        }
    }
    Ok(versions)
}

fn resource(group: &str, version: &str, found: GroupResource) -> Resource {
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
        preferred: false,
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
    #[serde(default, deserialize_with = "listed_or_none")]
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
    #[serde(default, deserialize_with = "listed_or_none")]
    verbs: Vec<String>,
    #[serde(default, deserialize_with = "listed_or_none")]
    short_names: Vec<String>,
    #[serde(default, deserialize_with = "listed_or_none")]
    categories: Vec<String>,
}

/// Asks each group and version, as servers want it that do not aggregate.
async fn one_by_one(connection: &Connection, document: &Value) -> Vec<Told> {
    let mut versions: Vec<(String, String)> = Vec::new();
    for version in strings(&document["versions"]) {
        versions.push((String::new(), version));
    }
    for group in document["groups"].as_array().into_iter().flatten() {
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
    let asked = versions
        .into_iter()
        .map(|(group, version)| one(connection, group, version));
    join_all(asked).await
}

async fn one(connection: &Connection, group: String, version: String) -> Told {
    let path = if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    };
    let (resources, trouble) = match connection.read::<ResourceList>(&path, PLAIN).await {
        Ok(list) => (listed(&group, &version, list), None),
        // It has gone since the list of groups was made.
        Err(error) if error.failure() == Failure::Missing => (Vec::new(), None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Told {
        group,
        version,
        resources,
        trouble,
    }
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
