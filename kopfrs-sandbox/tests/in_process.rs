//! The sandbox through `kube::Client`, in-process, with tokio's time paused.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::{
    api::core::v1::{ConfigMap, Namespace},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kopfrs_sandbox::Sandbox;
use kube::{
    Api, CustomResource, CustomResourceExt, ResourceExt,
    api::{
        DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent,
        WatchParams,
    },
    runtime::{conditions, wait::await_condition},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "example.com",
    version = "v1",
    kind = "Widget",
    namespaced,
    status = "WidgetStatus"
)]
struct WidgetSpec {
    size: i64,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
struct WidgetStatus {
    phase: Option<String>,
}

async fn with_widgets() -> (Sandbox, Api<Widget>) {
    let sandbox = Sandbox::new();
    let definitions: Api<CustomResourceDefinition> = Api::all(sandbox.client());
    definitions
        .create(&PostParams::default(), &Widget::crd())
        .await
        .expect("created");
    await_condition(
        definitions,
        "widgets.example.com",
        conditions::is_crd_established(),
    )
    .await
    .expect("established");
    let widgets = Api::default_namespaced(sandbox.client());
    (sandbox, widgets)
}

fn widget(name: &str, size: i64) -> Widget {
    Widget::new(name, WidgetSpec { size })
}

#[tokio::test(start_paused = true)]
async fn custom_resources_live_from_create_to_delete() {
    let (sandbox, widgets) = with_widgets().await;
    let created = widgets
        .create(&PostParams::default(), &widget("a", 1))
        .await
        .expect("created");
    assert_eq!(created.metadata.generation, Some(1));
    assert!(created.uid().is_some());

    let patch = Patch::Merge(json!({"spec": {"size": 2}, "status": {"phase": "ignored"}}));
    let patched = widgets
        .patch("a", &PatchParams::default(), &patch)
        .await
        .expect("patched");
    assert_eq!(
        (patched.spec.size, patched.metadata.generation),
        (2, Some(2))
    );
    assert!(patched.status.is_none());

    let patch = Patch::Merge(json!({"spec": {"size": 9}, "status": {"phase": "Ready"}}));
    let patched = widgets
        .patch_status("a", &PatchParams::default(), &patch)
        .await
        .expect("patched");
    assert_eq!(
        (patched.spec.size, patched.metadata.generation),
        (2, Some(2))
    );
    assert_eq!(
        patched.status.and_then(|status| status.phase).as_deref(),
        Some("Ready")
    );

    widgets
        .delete("a", &DeleteParams::default())
        .await
        .expect("deleted");
    assert!(widgets.get_opt("a").await.expect("answered").is_none());
    assert_eq!(
        sandbox
            .journal()
            .for_object("widgets", "default", "a")
            .writes()
            .len(),
        4
    );
}

#[tokio::test(start_paused = true)]
async fn finalizers_hold_a_deleted_object() {
    let (_sandbox, widgets) = with_widgets().await;
    let mut held = widget("a", 1);
    held.metadata.finalizers = Some(vec!["example.com/hold".to_owned()]);
    widgets
        .create(&PostParams::default(), &held)
        .await
        .expect("created");
    let deleted = widgets
        .delete("a", &DeleteParams::default())
        .await
        .expect("marked");
    assert!(
        deleted
            .left()
            .expect("still there")
            .metadata
            .deletion_timestamp
            .is_some()
    );

    let patch = Patch::<()>::Json(
        serde_json::from_value(json!([{"op": "remove", "path": "/metadata/finalizers"}]))
            .expect("patch"),
    );
    widgets
        .patch("a", &PatchParams::default(), &patch)
        .await
        .expect("released");
    assert!(widgets.get_opt("a").await.expect("answered").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_where_the_list_ended() {
    let (_sandbox, widgets) = with_widgets().await;
    widgets
        .create(&PostParams::default(), &widget("before", 1))
        .await
        .expect("created");
    let list = widgets.list(&ListParams::default()).await.expect("listed");
    let version = list.metadata.resource_version.expect("a version");
    widgets
        .create(&PostParams::default(), &widget("after", 1))
        .await
        .expect("created");
    widgets
        .delete("before", &DeleteParams::default())
        .await
        .expect("deleted");

    let events = widgets
        .watch(&WatchParams::default(), &version)
        .await
        .expect("watching");
    let seen: Vec<String> = events
        .take(2)
        .map_ok(|event| match event {
            WatchEvent::Added(object) => format!("+{}", object.name_any()),
            WatchEvent::Deleted(object) => format!("-{}", object.name_any()),
            other => format!("{other:?}"),
        })
        .try_collect()
        .await
        .expect("events");
    assert_eq!(seen, ["+after", "-before"]);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_with_time() {
    let (_sandbox, widgets) = with_widgets().await;
    let mut events = widgets
        .watch(&WatchParams::default(), "0")
        .await
        .expect("watching")
        .boxed();
    let event = events.next().await.expect("an event").expect("no error");
    assert!(matches!(event, WatchEvent::Bookmark(_)), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_told() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let metadata = ObjectMeta {
        name: Some("a".to_owned()),
        ..ObjectMeta::default()
    };
    let first = maps
        .create(
            &PostParams::default(),
            &ConfigMap {
                metadata,
                ..ConfigMap::default()
            },
        )
        .await
        .expect("created");
    let mut changed = first.clone();
    changed.data = Some([("k".to_owned(), "v".to_owned())].into());
    maps.replace("a", &PostParams::default(), &changed)
        .await
        .expect("replaced");
    let error = maps
        .replace("a", &PostParams::default(), &first)
        .await
        .expect_err("stale");
    assert!(matches!(error, kube::Error::Api(status) if status.code == 409));
}

#[tokio::test(start_paused = true)]
async fn yaml_brings_definitions_and_their_objects() {
    let sandbox = Sandbox::new();
    let definition = serde_json::to_string(&Widget::crd()).expect("json");
    let text = format!(
        "{definition}\n---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {{size: 3}}\n"
    );
    let applied = sandbox.apply_yaml(&text).await.expect("applied");
    assert!(applied.iter().all(|one| one.created));
    let again = sandbox.apply_yaml(&text).await.expect("applied again");
    assert!(again.iter().all(|one| !one.created));
    let widgets: Api<Widget> = Api::default_namespaced(sandbox.client());
    assert_eq!(widgets.get("w").await.expect("there").spec.size, 3);
}

#[tokio::test(start_paused = true)]
async fn namespaces_are_there_from_the_start() {
    let sandbox = Sandbox::new();
    let namespaces: Api<Namespace> = Api::all(sandbox.client());
    let names: Vec<String> = namespaces
        .list(&ListParams::default())
        .await
        .expect("listed")
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    assert_eq!(
        names,
        ["default", "kube-node-lease", "kube-public", "kube-system"]
    );
}
