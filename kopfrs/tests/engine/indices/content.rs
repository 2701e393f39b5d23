//! What indices hold of objects that come, change and go.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kopfrs::index::Indices;
use kopfrs::prelude::*;
use kopfrs_sandbox::On;
use kopfrs_sandbox::fault::StreamFault;
use kube::api::{Api, DeleteParams, PostParams};

use super::{View, by_role, content, create_map, delete_map, entry, merge_map, until_it_holds};
use crate::bench::{Bench, Demo, Status};

fn indexing(view: &View) -> Registry {
    view.seen(Registry::new().add(by_role().run(async |map: Body| entry(&map))))
}

#[tokio::test(start_paused = true)]
async fn an_index_follows_its_objects() {
    let (bench, view) = (Bench::new(Status::Open).await, View::default());
    create_map(&bench, "a", Some("x"), "1").await;
    create_map(&bench, "none", None, "9").await;
    let running = bench.start(indexing(&view)).await;
    until_it_holds(&bench, &view, &[("x", &["1"])]).await;
    create_map(&bench, "b", Some("x"), "2").await;
    until_it_holds(&bench, &view, &[("x", &["1", "2"])]).await;
    merge_map(&bench, "a", json!({"data": {"value": "3"}})).await;
    until_it_holds(&bench, &view, &[("x", &["3", "2"])]).await;
    merge_map(&bench, "a", json!({"metadata": {"labels": {"role": "y"}}})).await;
    until_it_holds(&bench, &view, &[("x", &["2"]), ("y", &["3"])]).await;
    merge_map(&bench, "b", json!({"metadata": {"labels": {"role": null}}})).await;
    until_it_holds(&bench, &view, &[("y", &["3"])]).await;
    delete_map(&bench, "a").await;
    until_it_holds(&bench, &view, &[]).await;
    running.stop().await;
    let writes = bench.sandbox.journal().writes();
    let writes = writes.matching(|request| request.resource() == "configmaps");
    assert_eq!(
        writes.len(),
        7,
        "those of the test, and no others: {writes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_returned_keeps_what_was_there() {
    let (bench, view) = (Bench::new(Status::Open).await, View::default());
    let handler = by_role().run(async |map: Body| Some(entry(&map)).filter(|e| !e.is_empty()));
    let running = bench.start(view.seen(Registry::new().add(handler))).await;
    create_map(&bench, "a", Some("x"), "1").await;
    until_it_holds(&bench, &view, &[("x", &["1"])]).await;
    merge_map(&bench, "a", json!({"metadata": {"labels": {"role": null}}})).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(view.of("by_role"), content(&[("x", &["1"])]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_ceases_to_match_is_taken_out() {
    let (bench, view) = (Bench::new(Status::Open).await, View::default());
    let handler = by_role()
        .label("keep", PRESENT)
        .run(async |map: Body| entry(&map));
    let running = bench.start(view.seen(Registry::new().add(handler))).await;
    create_map(&bench, "a", Some("x"), "1").await;
    merge_map(&bench, "a", json!({"metadata": {"labels": {"keep": ""}}})).await;
    until_it_holds(&bench, &view, &[("x", &["1"])]).await;
    merge_map(&bench, "a", json!({"metadata": {"labels": {"keep": null}}})).await;
    until_it_holds(&bench, &view, &[]).await;
    merge_map(&bench, "a", json!({"metadata": {"labels": {"keep": ""}}})).await;
    until_it_holds(&bench, &view, &[("x", &["1"])]).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_is_indexed_before_its_own_handlers_and_anew_after_own_writes() {
    let (bench, view) = (Bench::new(Status::Open).await, View::default());
    let sizes = on::index::<Demo>().id("sizes").run(async |demo: Body| {
        let label = demo.label("seen").unwrap_or("unseen").to_owned();
        vec![(label, demo.spec()["size"].to_string())]
    });
    let (told, look) = (bench.calls.clone(), view.clone());
    let create = on::create::<Demo>().id("create").run(
        move |call: Arc<Invocation<ChangingCause>>, indices: Indices| {
            told.note(&call);
            call.cause.patch.label("seen", "yes");
            let sizes = indices.get::<String, String>("sizes").unwrap();
            assert_eq!(sizes.get("unseen").to_vec(), ["1"]);
            std::future::ready(())
        },
    );
    let update = on::update::<Demo>()
        .id("update")
        .run(bench.handler(move |_| {
            assert_eq!(look.of("sizes"), content(&[("yes", &["1"])]));
            std::future::ready(Ok(()))
        }));
    let registry = Registry::new().add(sizes).add(create).add(update);
    let running = bench.start(view.seen(registry)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(2).await;
    assert_eq!(bench.calls.names(), ["create/0", "update/0"]);
    bench.delete("a").await;
    bench
        .until("an empty index", || async { view.of("sizes").is_empty() })
        .await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_vanishes_while_nobody_watches_is_taken_out() {
    const WELL: u8 = 0;
    const DOWN: u8 = 1;
    const FORGETFUL: u8 = 2;
    let (state, view) = (Arc::new(AtomicU8::new(WELL)), View::default());
    let health = state.clone();
    let bench = Bench::new(Status::Open).await.refusing(move |request| {
        let is_concerned = request.uri().path().ends_with("/configmaps");
        match health.load(Ordering::SeqCst) {
            DOWN if is_concerned => Some(503),
            FORGETFUL if is_concerned => {
                health.store(WELL, Ordering::SeqCst);
                Some(410)
            }
            _ => None,
        }
    });
    create_map(&bench, "a", Some("x"), "1").await;
    create_map(&bench, "b", Some("x"), "2").await;
    let running = bench.start(indexing(&view)).await;
    until_it_holds(&bench, &view, &[("x", &["1", "2"])]).await;
    state.store(DOWN, Ordering::SeqCst);
    let watches = On::verb("watch").resource("configmaps");
    bench.sandbox.faults().strike(&watches, StreamFault::Break);
    tokio::time::sleep(Duration::from_secs(1)).await;
    delete_map(&bench, "a").await;
    merge_map(&bench, "b", json!({"data": {"value": "3"}})).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(view.of("by_role"), content(&[("x", &["1", "2"])]));
    state.store(FORGETFUL, Ordering::SeqCst);
    until_it_holds(&bench, &view, &[("x", &["3"])]).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_served_any_more_is_taken_out() {
    let (bench, view) = (Bench::new(Status::Open).await, View::default());
    let demos = on::index_of(Selector::name("demos").unwrap());
    let demos = demos
        .id("by_role")
        .run(async |demo: Body| vec![(demo.name().to_owned(), String::new())]);
    let running = bench.start(view.seen(Registry::new().add(demos))).await;
    bench.create("a", json!({"size": 1})).await;
    until_it_holds(&bench, &view, &[("a", &[""])]).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(bench.client.clone());
    let params = DeleteParams::default();
    definitions
        .delete("demos.example.com", &params)
        .await
        .unwrap();
    until_it_holds(&bench, &view, &[]).await;
    bench.install(Status::Open).await;
    bench.create("b", json!({"size": 1})).await;
    until_it_holds(&bench, &view, &[("b", &[""])]).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn namespaces_that_are_served_no_more_are_taken_out() {
    let (bench, view) = (Bench::new(Status::Open).await, View::default());
    let namespaces: Api<Namespace> = Api::all(bench.sandbox.client());
    let name = |name: &str| serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    let params = PostParams::default();
    namespaces.create(&params, &name("team-a")).await.unwrap();
    let names = on::index::<ConfigMap>()
        .id("by_role")
        .label("app", PRESENT)
        .run(async |map: Body| {
            vec![(
                map.namespace().unwrap_or_default().to_owned(),
                map.name().to_owned(),
            )]
        });
    let registry = view.seen(Registry::new().add(names));
    let builder = Operator::builder().registry(registry).namespace("team-*");
    let running = bench.start_built(builder).await;
    let maps: Api<ConfigMap> = Api::namespaced(bench.sandbox.client(), "team-a");
    let map = json!({"metadata": {"name": "a", "labels": {"app": "x"}}});
    let map = serde_json::from_value(map).unwrap();
    maps.create(&params, &map).await.unwrap();
    until_it_holds(&bench, &view, &[("team-a", &["a"])]).await;
    namespaces
        .delete("team-a", &DeleteParams::default())
        .await
        .unwrap();
    until_it_holds(&bench, &view, &[]).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn several_kinds_and_filters_feed_one_index() {
    let (bench, view) = (Bench::new(Status::Open).await, View::default());
    let both = async |object: Body| vec![("k".to_owned(), object.name().to_owned())];
    let labelled = |value: &str| by_role().label("role", value.to_owned());
    let registry = Registry::new()
        .add(labelled("x").run(both))
        .add(labelled("y").run(both))
        .add(on::index::<Demo>().id("by_role").run(both));
    let running = bench.start(view.seen(registry)).await;
    create_map(&bench, "a", Some("x"), "1").await;
    until_it_holds(&bench, &view, &[("k", &["a"])]).await;
    create_map(&bench, "b", Some("y"), "1").await;
    until_it_holds(&bench, &view, &[("k", &["a", "b"])]).await;
    bench.create("c", json!({"size": 1})).await;
    until_it_holds(&bench, &view, &[("k", &["a", "b", "c"])]).await;
    merge_map(&bench, "a", json!({"metadata": {"labels": {"role": "z"}}})).await;
    until_it_holds(&bench, &view, &[("k", &["b", "c"])]).await;
    running.stop().await;
}
