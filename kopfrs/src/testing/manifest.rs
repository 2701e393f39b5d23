//! Objects from YAML.

use futures::future::LocalBoxFuture;
use serde_json::Value;

use super::cluster::Cluster;
use super::waiting::Waiting;
use crate::resource::Resource;

/// Creates the objects of a text, or merges it into those that are there.
pub(super) async fn apply(cluster: &Cluster, yaml: &str) -> Vec<Value> {
    let mut applied = Vec::new();
    for document in documents(yaml) {
        for object in items(document) {
            applied.push(apply_object(cluster, object).await);
        }
    }
    applied
}

/// The one object of a text.
pub(super) fn one(yaml: &str) -> Value {
    let mut documents = documents(yaml);
    assert_eq!(documents.len(), 1, "the text has not one object: {yaml}");
    documents.remove(0)
}

fn documents(yaml: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml)
        .unwrap_or_else(|error| panic!("the text is no YAML: {error}\n{yaml}"));
    documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect()
}

/// The objects of a `List`, or the object itself.
fn items(document: Value) -> Vec<Value> {
    match (document["kind"].as_str(), document["items"].as_array()) {
        (Some("List"), Some(items)) => items.clone(),
        _ => vec![document],
    }
}

/// Creates an object, or merges what is given into it if it is there.
pub(super) async fn apply_object(cluster: &Cluster, mut object: Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    assert!(
        !api_version.is_empty() && !kind.is_empty(),
        "an object without apiVersion or kind cannot be applied: {object}"
    );
    let resource = resource(cluster, &api_version, &kind).await;
    let meta = &mut object["metadata"];
    if resource.namespaced && meta["namespace"].is_null() {
        meta["namespace"] = cluster.namespace().into();
    }
    let (name, namespace) = (text(&meta["name"]), text(&meta["namespace"]));
    let namespace = Some(&*namespace).filter(|namespace| !namespace.is_empty());
    let rest = cluster.rest();
    let mut applied = rest.post(&resource.path(namespace, None), &object).await;
    let path = resource.path(namespace, Some(&name));
    let is_there =
        |error: &kube::Error| matches!(error, kube::Error::Api(status) if status.code == 409);
    if !name.is_empty() && applied.as_ref().is_err_and(is_there) {
        applied = rest.merge(&path, &object).await;
    } else if let Ok(created) = &applied {
        cluster.leftovers().object(&resource, created);
    }
    let applied =
        applied.unwrap_or_else(|error| panic!("{kind} {name} cannot be applied: {error}"));
    if kind == "CustomResourceDefinition" {
        established(cluster, &path, &applied).await;
    }
    applied
}

/// The kind of an object. It may be served in a moment only.
async fn resource(cluster: &Cluster, api_version: &str, kind: &str) -> Resource {
    let (wanted, name) = (api_version.to_owned(), kind.to_owned());
    let look = cluster.resource(move |resources| {
        let mut resources = resources.iter();
        let is_it = |r: &&Resource| r.api_version() == wanted && r.kind == name;
        resources.find(is_it).cloned()
    });
    let what = format!("the kind {kind} of {api_version} to be served");
    let resource = Waiting::new(cluster, what, look).await;
    cluster.leftovers().kind(&resource);
    resource
}

/// Waits until the kind of a definition is served, as the definition is now.
async fn established(cluster: &Cluster, path: &str, definition: &Value) {
    let look = || -> LocalBoxFuture<'_, Option<()>> {
        Box::pin(async move {
            let definition = cluster.rest().get(path).await.ok()??;
            let conditions = definition["status"]["conditions"].as_array()?;
            let mut conditions = conditions.iter();
            let is_served = conditions.any(|c| c["type"] == "Established" && c["status"] == "True");
            is_served.then_some(())
        })
    };
    let name = definition["metadata"]["name"].as_str().unwrap_or_default();
    Waiting::new(
        cluster,
        format!("the definition {name} to be established"),
        look,
    )
    .await;
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
    let versions = spec["versions"].as_array().into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true);
    for version in served.map(|version| text(&version["name"])) {
        let (group, plural) = (group.clone(), plural.clone());
        let what = format!("{plural}.{version}.{group} to be served");
        let look = cluster.resource(move |resources| {
            let mut resources = resources.iter();
            let is_it =
                |r: &&Resource| r.group == group && r.plural == plural && r.version == version;
            resources.find(is_it).cloned()
        });
        Waiting::new(cluster, what, look).await;
    }
}
