//! Operators that stop or are killed while sub-handlers are not finished.

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::storage::{Persistence, Place};

use super::{creation, parent};
use crate::bench::{Bench, Demo, Status};

fn settings(place: Place) -> Settings {
    let mut settings = Settings::default();
    settings.persistence.default = match place {
        Place::Kopf => Persistence::kopf(),
        place => Persistence::default().with_place(place),
    };
    settings
}

const PLACES: [Place; 3] = [Place::Annotations, Place::Status, Place::Kopf];

fn is_quiet(object: &Value, place: Place) -> bool {
    let annotations = object["metadata"]["annotations"].to_string();
    let text = match place {
        Place::Kopf | Place::Annotations => annotations,
        Place::Status => object["status"]["handling"].to_string(),
    };
    let is_handled = text.contains("last-handled") || text.contains("lastHandled");
    is_handled && !text.contains("retries")
}

#[tokio::test(start_paused = true)]
async fn a_restart_between_rounds_repeats_none_that_has_finished() {
    for place in PLACES {
        let bench = Bench::new(Status::Open).await;
        let running = bench.start_with(creation(&bench), settings(place)).await;
        let script = json!({"p/y/a": [{"later": 100}], "p/x": [{"never": "no"}]});
        let spec = json!({"items": ["x", "y"], "nested": {"y": ["a", "b"]}, "script": script});
        bench.create("a", spec).await;
        bench.until_calls(6).await;
        running.stop().await;
        bench.calls.clear();
        let running = bench.start_with(creation(&bench), settings(place)).await;
        bench
            .until("the end", || async {
                is_quiet(&bench.get("a").await.unwrap(), place)
            })
            .await;
        running.stop().await;
        assert_eq!(
            bench.calls.names(),
            ["p/1", "p/y/1", "p/y/a/1"],
            "{place:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_finished_a_second_ago_is_not_repeated_after_a_kill() {
    for place in PLACES {
        let bench = Bench::new(Status::Open).await;
        let running = bench.start_with(creation(&bench), settings(place)).await;
        let script = json!({"p/y": [{"sleep": 100}]});
        let spec = json!({"items": ["x", "y", "w"], "script": script});
        bench.create("a", spec).await;
        bench.until_calls(3).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        running.kill().await;
        bench.calls.clear();
        bench
            .merge("a", json!({"metadata": {"labels": {"other": "change"}}}))
            .await;
        let running = bench.start_with(creation(&bench), settings(place)).await;
        bench
            .until("the end", || async {
                is_quiet(&bench.get("a").await.unwrap(), place)
            })
            .await;
        running.stop().await;
        assert_eq!(
            bench.calls.names(),
            ["p/0", "p/y/0", "p/w/0", "z/0"],
            "{place:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_the_running_one_finish_and_begins_no_other() {
    let bench = Bench::new(Status::Open).await;
    let creation =
        |bench: &Bench| Registry::new().add(on::create::<Demo>().id("p").run(parent(bench)));
    let running = bench.start(creation(&bench)).await;
    let script = json!({"p/x": [{"sleep": 5}]});
    bench
        .create("a", json!({"items": ["x", "y"], "script": script}))
        .await;
    bench.until_calls(2).await;
    running.stop().await;
    assert_eq!(bench.calls.names(), ["p/0", "p/x/0"]);
    bench.calls.clear();
    let running = bench.start(creation(&bench)).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(bench.calls.names(), ["p/1", "p/y/0"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_lets_the_running_one_finish_and_begins_no_other() {
    let bench = Bench::new(Status::Open).await;
    let peering = include_str!("../../../../examples/06-peering/peering.yaml");
    bench.sandbox.apply_yaml(peering).await.unwrap();
    let default = "{apiVersion: kopf.dev/v1, kind: ClusterKopfPeering, metadata: {name: default}}";
    bench.sandbox.apply_yaml(default).await.unwrap();
    let creation = Registry::new().add(on::create::<Demo>().id("p").run(parent(&bench)));
    let running = bench.start(creation).await;
    let script = json!({"p/x": [{"sleep": 5}]});
    bench
        .create("a", json!({"items": ["x", "y"], "script": script}))
        .await;
    bench.until_calls(2).await;
    let other = json!({"priority": 100, "lifetime": 60, "lastseen": "2999-01-01T00:00:00Z"});
    let entry = format!(
        "{{apiVersion: kopf.dev/v1, kind: ClusterKopfPeering, metadata: {{name: default}}, status: {{other: {other}}}}}"
    );
    bench.sandbox.apply_yaml(&entry).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(bench.calls.names(), ["p/0", "p/x/0"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_cancels_keeps_what_has_finished() {
    let bench = Bench::new(Status::Open).await;
    let mut settings = Settings::default();
    settings.process.drain_budget = Duration::ZERO;
    let running = bench.start_with(creation(&bench), settings).await;
    let script = json!({"p/y": [{"sleep": 100}]});
    bench
        .create("a", json!({"items": ["x", "y"], "script": script}))
        .await;
    bench.until_calls(3).await;
    running.stop().await;
    assert_eq!(bench.calls.names(), ["p/0", "p/x/0", "p/y/0"]);
    bench.calls.clear();
    let running = bench.start(creation(&bench)).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(bench.calls.names(), ["p/0", "p/y/0", "z/0"]);
}
