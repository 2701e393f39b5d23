//! What happens by itself: namespaces end, garbage is collected, definitions take their objects along.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kopfrs_sandbox::Sandbox;
use kube::{
    Api, Client, ResourceExt,
    api::{
        DeleteParams, DynamicObject, Patch, PatchParams, PostParams, PropagationPolicy, WatchEvent,
        WatchParams,
    },
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, kind: Gadget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

fn gadgets(client: Client) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Gadget"));
    Api::default_namespaced_with(client, &kind)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "calls read better without borrows"
)]
fn map(metadata: Value) -> ConfigMap {
    serde_json::from_value(json!({"metadata": metadata})).expect("a ConfigMap")
}

fn owner(owner: &ConfigMap, blocks: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": owner.name_any(), "uid": owner.uid(),
        "blockOwnerDeletion": blocks,
    })
}

/// Waits until an object is gone, by watching.
async fn gone<K>(api: &Api<K>, name: &str)
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned + kube::Resource + Send + 'static,
{
    let parameters = WatchParams::default().fields(&format!("metadata.name={name}"));
    let mut events = api.watch(&parameters, "0").await.expect("watching").boxed();
    if api.get_opt(name).await.expect("answered").is_none() {
        return;
    }
    while let Some(event) = events.try_next().await.expect("events") {
        if matches!(event, WatchEvent::Deleted(_)) {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_owner_takes_its_dependents_along() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let secrets: Api<Secret> = Api::default_namespaced(sandbox.client());
    let create = PostParams::default();
    let top = maps
        .create(&create, &map(json!({"name": "top"})))
        .await
        .expect("created");
    let child = map(json!({"name": "child", "ownerReferences": [owner(&top, false)]}));
    let child = maps.create(&create, &child).await.expect("created");
    let grandchild =
        json!({"metadata": {"name": "grandchild", "ownerReferences": [owner(&child, false)]}});
    secrets
        .create(
            &create,
            &serde_json::from_value(grandchild).expect("a Secret"),
        )
        .await
        .expect("created");

    maps.delete("top", &DeleteParams::background())
        .await
        .expect("deleted");
    gone(&maps, "child").await;
    gone(&secrets, "grandchild").await;
}

#[tokio::test(start_paused = true)]
async fn foreground_deletion_waits_for_what_blocks() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let create = PostParams::default();
    let top = maps
        .create(&create, &map(json!({"name": "top"})))
        .await
        .expect("created");
    let held = json!({"name": "child", "finalizers": ["example.com/hold"], "ownerReferences": [owner(&top, true)]});
    maps.create(&create, &map(held)).await.expect("created");

    maps.delete("top", &DeleteParams::foreground())
        .await
        .expect("marked");
    let waiting = maps.get("top").await.expect("waits");
    assert_eq!(waiting.finalizers(), ["foregroundDeletion"]);
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    maps.patch("child", &PatchParams::default(), &release)
        .await
        .expect("released");
    gone(&maps, "top").await;
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_without_their_owner() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let create = PostParams::default();
    let top = maps
        .create(&create, &map(json!({"name": "top"})))
        .await
        .expect("created");
    let child = map(json!({"name": "child", "ownerReferences": [owner(&top, false)]}));
    maps.create(&create, &child).await.expect("created");

    let orphan = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Orphan),
        ..DeleteParams::default()
    };
    maps.delete("top", &orphan).await.expect("marked");
    gone(&maps, "top").await;
    assert!(
        maps.get("child")
            .await
            .expect("stays")
            .owner_references()
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_never_was_keeps_nothing() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let nobody = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "none"});
    let lost = map(json!({"name": "lost", "ownerReferences": [nobody]}));
    maps.create(&PostParams::default(), &lost)
        .await
        .expect("created");
    gone(&maps, "lost").await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_ends_with_its_contents() {
    let sandbox = Sandbox::new();
    sandbox.apply_yaml(DEFINITION).await.expect("applied");
    let text = "
apiVersion: v1
kind: Namespace
metadata: {name: doomed}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: held, namespace: doomed, finalizers: [example.com/hold]}
---
apiVersion: example.com/v1
kind: Gadget
metadata: {name: g, namespace: doomed}
";
    sandbox.apply_yaml(text).await.expect("applied");
    let namespaces: Api<Namespace> = Api::all(sandbox.client());
    let maps: Api<ConfigMap> = Api::namespaced(sandbox.client(), "doomed");
    let deleted = namespaces
        .delete("doomed", &DeleteParams::default())
        .await
        .expect("marked");
    let phase = deleted
        .left()
        .and_then(|namespace| namespace.status)
        .and_then(|status| status.phase);
    assert_eq!(phase.as_deref(), Some("Terminating"));

    let late = maps
        .create(&PostParams::default(), &map(json!({"name": "late"})))
        .await
        .expect_err("refused");
    assert!(matches!(late, kube::Error::Api(status) if status.code == 403));
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    maps.patch("held", &PatchParams::default(), &release)
        .await
        .expect("released");
    gone(&namespaces, "doomed").await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_definition_ends_watches_after_its_objects() {
    let sandbox = Sandbox::new();
    sandbox.apply_yaml(DEFINITION).await.expect("applied");
    sandbox
        .apply_yaml("apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: g}\n")
        .await
        .expect("applied");
    let gadgets = gadgets(sandbox.client());
    let events = gadgets
        .watch(&WatchParams::default(), "0")
        .await
        .expect("watching");

    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
    ));
    let definitions: Api<DynamicObject> = Api::all_with(sandbox.client(), &kind);
    definitions
        .delete("gadgets.example.com", &DeleteParams::default())
        .await
        .expect("marked");
    let seen: Vec<WatchEvent<DynamicObject>> =
        events.try_collect().await.expect("ends without error");
    assert!(
        matches!(
            seen.as_slice(),
            [WatchEvent::Added(_), WatchEvent::Deleted(_)]
        ),
        "{seen:?}"
    );
    gone(&definitions, "gadgets.example.com").await;
    assert!(gadgets.get("g").await.is_err());
    sandbox.apply_yaml(DEFINITION).await.expect("applied again");
    assert!(
        gadgets
            .list(&kube::api::ListParams::default())
            .await
            .expect("served")
            .items
            .is_empty()
    );
}
