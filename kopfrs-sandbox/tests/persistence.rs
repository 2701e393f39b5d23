//! What begins again with a restored state: the controllers, and what was under way.

use std::path::Path;

use futures::StreamExt;
use k8s_openapi::{
    api::core::v1::{ConfigMap, Namespace},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kopfrs_sandbox::{PersistError, Sandbox, SandboxBuilder};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams},
    discovery::ApiResource,
    runtime::wait::{await_condition, conditions},
};
use serde_json::json;

fn open(path: &Path) -> Sandbox {
    let sandbox = Sandbox::builder().persist(path);
    sandbox.expect("a state")
}

async fn reopen(sandbox: Sandbox, path: &Path) -> Sandbox {
    sandbox.close().await.expect("kept");
    open(path)
}

fn place() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    (folder, path)
}

async fn apply(sandbox: &Sandbox, text: &str) {
    sandbox.apply_yaml(text).await.expect("applied");
}

async fn release(maps: &Api<ConfigMap>, name: &str) {
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let patched = maps.patch(name, &PatchParams::default(), &patch).await;
    patched.expect("patched");
}

#[tokio::test]
async fn a_namespace_that_was_ending_ends() {
    let (_folder, path) = place();
    let sandbox = open(&path);
    apply(
        &sandbox,
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
    )
    .await;
    apply(
        &sandbox,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, namespace: shop, finalizers: [example.com/hold]}}",
    )
    .await;
    let namespaces: Api<Namespace> = Api::all(sandbox.client());
    let deleted = namespaces.delete("shop", &DeleteParams::default()).await;
    deleted.expect("accepted");

    let sandbox = reopen(sandbox, &path).await;
    let namespaces: Api<Namespace> = Api::all(sandbox.client());
    let namespace = namespaces.get("shop").await.expect("it waits");
    let uid = namespace.uid().expect("a uid");
    let maps: Api<ConfigMap> = Api::namespaced(sandbox.client(), "shop");
    let is_deleting =
        |map: Option<&ConfigMap>| map.is_some_and(|map| map.metadata.deletion_timestamp.is_some());
    let marked = await_condition(maps.clone(), "held", is_deleting).await;
    marked.expect("its content is deleted");
    release(&maps, "held").await;
    let gone = await_condition(namespaces, "shop", conditions::is_deleted(&uid)).await;
    gone.expect("gone");
}

#[tokio::test]
async fn dependents_of_owners_from_before_go_with_them() {
    let (_folder, path) = place();
    let sandbox = open(&path);
    apply(
        &sandbox,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: owner}}",
    )
    .await;
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let owner = maps
        .get("owner")
        .await
        .expect("there")
        .uid()
        .expect("a uid");
    let reference = format!("{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {owner}}}");
    let dependent = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: dependent, ownerReferences: [{reference}]}}}}"
    );
    apply(&sandbox, &dependent).await;

    let sandbox = reopen(sandbox, &path).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let dependent = maps
        .get("dependent")
        .await
        .expect("there")
        .uid()
        .expect("a uid");
    let deleted = maps.delete("owner", &DeleteParams::default()).await;
    deleted.expect("deleted");
    let gone = await_condition(maps, "dependent", conditions::is_deleted(&dependent)).await;
    gone.expect("gone");
}

const GADGETS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, shortNames: [gg]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {size: {type: integer}}}}
---
apiVersion: example.com/v1
kind: Gadget
metadata: {name: g, finalizers: [example.com/hold]}
size: 1
";

fn gadgets(sandbox: &Sandbox) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("example.com", "v1", "Gadget");
    Api::default_namespaced_with(sandbox.client(), &ApiResource::from_gvk(&kind))
}

#[tokio::test]
async fn definitions_are_served_without_a_change_and_end_where_they_were_ending() {
    let (_folder, path) = place();
    let sandbox = open(&path);
    apply(&sandbox, GADGETS).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(sandbox.client());
    let before = definitions.get("gadgets.example.com").await.expect("there");

    let sandbox = reopen(sandbox, &path).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(sandbox.client());
    assert!(gadgets(&sandbox).get("g").await.is_ok(), "served at once");
    // The controller has looked at it when it answers for another one.
    apply(
        &sandbox,
        &GADGETS
            .replace("gadget", "gizmo")
            .replace("Gadget", "Gizmo")
            .replace("gg", "gz"),
    )
    .await;
    let after = definitions.get("gadgets.example.com").await.expect("there");
    assert_eq!(before.resource_version(), after.resource_version());
    let name = "gadgets.example.com";
    definitions
        .delete(name, &DeleteParams::default())
        .await
        .expect("accepted");

    let sandbox = reopen(sandbox, &path).await;
    let uid = after.uid().expect("a uid");
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let patched = gadgets(&sandbox)
        .patch("g", &PatchParams::default(), &patch)
        .await;
    patched.expect("patched");
    let definitions: Api<CustomResourceDefinition> = Api::all(sandbox.client());
    let gone = await_condition(definitions, name, conditions::is_deleted(&uid)).await;
    gone.expect("gone");
}

#[tokio::test]
async fn what_was_closed_is_not_kept_any_more_and_says_so() {
    let (_folder, path) = place();
    let sandbox = open(&path);
    let taken = SandboxBuilder::default().persist(&path);
    assert!(
        matches!(taken, Err(PersistError::InUse { .. })),
        "{taken:?}"
    );
    let other = sandbox.clone();
    sandbox.close().await.expect("kept");
    assert!(matches!(
        other.save().await,
        Err(PersistError::Closed { .. })
    ));
    drop(open(&path));
}

#[tokio::test]
async fn the_end_of_the_last_handle_keeps_the_last_change() {
    let (_folder, path) = place();
    let sandbox = open(&path);
    apply(
        &sandbox,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: last}}",
    )
    .await;
    let version = sandbox
        .apply_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: last}}")
        .await;
    let version = version.expect("applied")[0].object["metadata"]["resourceVersion"].clone();
    drop(sandbox);
    let sandbox = open(&path);
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let last = maps.get("last").await.expect("kept");
    assert_eq!(json!(last.resource_version()), version);
    // It ended in good order: a watch from there goes on.
    let from = last.resource_version().expect("a version");
    let events = maps.watch(&kube::api::WatchParams::default(), &from).await;
    apply(
        &sandbox,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: next}}",
    )
    .await;
    let event = events
        .expect("a watch")
        .boxed()
        .next()
        .await
        .expect("an event");
    assert!(matches!(event, Ok(kube::api::WatchEvent::Added(map)) if map.name_any() == "next"));
}
