//! Kinds by all of their names, and kinds that come and go.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::prelude::*;
use kube::api::{Api, DeleteParams, PostParams};

use crate::bench::{Bench, Demo, Status};

#[tokio::test(start_paused = true)]
async fn a_kind_is_served_by_each_of_its_names() {
    let selectors = [
        Selector::name("demos"),
        Selector::name("demo"),
        Selector::name("Demo"),
        Selector::name("dm"),
        Selector::name("demos.v1.example.com"),
        Selector::full("example.com", "v1", "demos"),
        Selector::group_name("example.com", "dm"),
        Selector::kind("Demo"),
        Selector::category("all"),
    ];
    let bench = Bench::new(Status::Open).await;
    let mut registry = Registry::new();
    for (i, selector) in selectors.into_iter().enumerate() {
        let handler = on::create_of(selector.unwrap())
            .id(format!("create-{i}"))
            .run(bench.noting());
        registry = registry.add(handler);
    }
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    assert_eq!(
        bench.calls.names(),
        (0..9).map(|i| format!("create-{i}/0")).collect::<Vec<_>>()
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_installed_later_is_served_then() {
    let bench = Bench::new(Status::Open).await;
    let definitions: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        Api::all(bench.client.clone());
    definitions
        .delete("demos.example.com", &DeleteParams::default())
        .await
        .unwrap();
    bench
        .until("the end of the kind", || async {
            definitions
                .get_opt("demos.example.com")
                .await
                .unwrap()
                .is_none()
        })
        .await;
    let selector = Selector::name("demos").unwrap();
    let registry = Registry::new().add(on::create_of(selector).id("create").run(bench.noting()));
    let running = bench.start(registry).await;
    bench.install(Status::Open).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    definitions
        .delete("demos.example.com", &DeleteParams::default())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    bench.install(Status::Open).await;
    bench.create("b", json!({"size": 1})).await;
    bench.until_handled("b").await;
    assert_eq!(bench.calls.names(), ["create/0", "create/0"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_cannot_be_read_delays_no_other_kind() {
    let bench = Bench::new(Status::Open).await.refusing(|request| {
        let path = request.uri().path();
        path.ends_with("/customresourcedefinitions/demos.example.com")
            .then_some(500)
    });
    let registry = Registry::new()
        .add(on::create::<Demo>().id("demo").run(bench.noting()))
        .add(on::create::<ConfigMap>().id("map").run(bench.noting()));
    let maps: Api<ConfigMap> = Api::default_namespaced(bench.sandbox.client());
    let map = serde_json::from_value(json!({"metadata": {"name": "m"}})).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    let operator = Operator::builder()
        .registry(registry)
        .client(bench.client.clone())
        .stop_when(tokio::time::sleep(Duration::from_secs(5)));
    operator.build().unwrap().run().await.unwrap();
    assert_eq!(bench.calls.names(), ["map/0"]);
}
