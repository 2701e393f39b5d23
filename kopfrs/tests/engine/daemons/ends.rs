//! How daemons end: with the object, with its kind, and with the operator.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use super::{Notes, daemon, finalizers, until};
use crate::bench::{Bench, Demo, Status, progress};

/// Notes that it was dropped, and why.
struct Dropped(Notes, Stopped);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add(format!("dropped: {}", self.1.reason()));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_end_is_cancelled_after_its_backoff() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let registry = Registry::new().add(
        daemon()
            .cancellation_backoff(Duration::from_secs(3))
            .cancellation_timeout(Duration::from_secs(1))
            .run(move |stopped: Stopped| {
                let notes = noted.clone();
                async move {
                    notes.add("begins");
                    let _dropped = Dropped(notes.clone(), stopped);
                    std::future::pending::<()>().await;
                }
            }),
    );
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(began.elapsed().as_secs(), 3);
    let end = "dropped: RESOURCE_DELETED|DAEMON_SIGNALLED|DAEMON_CANCELLED";
    assert_eq!(notes.all()[1], end);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_deletion_waits_and_the_end_is_noticed_at_once() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let registry = Registry::new().add(daemon().run(move |stopped: Stopped| {
        let notes = noted.clone();
        async move {
            notes.add("begins");
            stopped.until_set().await;
            sleep(Duration::from_secs(100)).await;
            notes.add("ends");
        }
    }));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(began.elapsed().as_secs(), 100);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn deletion_handlers_run_beside_it_and_once_even_across_a_restart() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let registry = |notes: &Notes, linger: u64| {
        let (noted, deleted) = (notes.clone(), notes.clone());
        Registry::new()
            .add(daemon().run(move |stopped: Stopped| {
                let notes = noted.clone();
                async move {
                    notes.add("begins");
                    stopped.until_set().await;
                    sleep(Duration::from_secs(linger)).await;
                    notes.add("ends");
                }
            }))
            .add(on::delete::<Demo>().id("delete").run(move |_: Body| {
                deleted.add("deleted");
                async {}
            }))
    };
    let running = bench.start(registry(&notes, 30)).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    bench.delete("a").await;
    until(&bench, &notes, 2).await;
    bench
        .until("the progress", || async {
            progress(&bench.get("a").await.unwrap()).is_some()
        })
        .await;
    running.kill().await;
    assert_eq!(notes.all(), ["begins", "deleted"]);
    // The object is going: no daemon begins, and the deletion has been handled.
    let running = bench.start(registry(&notes, 30)).await;
    bench.until_gone("a").await;
    assert_eq!(notes.all(), ["begins", "deleted"]);
    running.stop().await;
    let running = bench.start(registry(&notes, 5)).await;
    bench.create("b", json!({"size": 1})).await;
    until(&bench, &notes, 3).await;
    bench.delete("b").await;
    bench.until_gone("b").await;
    assert_eq!(notes.all()[2..], ["begins", "deleted", "ends"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_stops_tells_all_and_cancels_those_that_do_not_listen() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let deaf = notes.clone();
    let registry = Registry::new().add(daemon().run(notes.obedient())).add(
        on::daemon::<Demo>().id("deaf").run(move |_: Stopped| {
            deaf.add("begins");
            std::future::pending::<()>()
        }),
    );
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 2).await;
    let began = Instant::now();
    running.stop().await;
    assert_eq!(notes.all()[2], "ends: OPERATOR_EXITING");
    let budget = Settings::default().process.drain_budget.as_secs();
    assert_eq!(began.elapsed().as_secs(), budget);
    assert_eq!(finalizers(&bench, "a").await, 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_finalizer_it_ends_when_the_object_is_gone() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let registry = Registry::new().add(daemon().finalizer(false).run(notes.obedient()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    assert_eq!(bench.writes("a"), Vec::<String>::new());
    bench.delete("a").await;
    assert!(bench.get("a").await.is_none());
    until(&bench, &notes, 2).await;
    assert_eq!(notes.all()[1], "ends: RESOURCE_DELETED");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_its_finalizer_is_removed_by_force_and_when_its_kind_goes() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let registry = Registry::new().add(daemon().run(notes.obedient()));
    let running = bench.start(registry).await;
    for name in ["a", "b"] {
        bench.create(name, json!({"size": 1})).await;
    }
    until(&bench, &notes, 2).await;
    let patch = json!({"metadata": {"finalizers": null}});
    // Both at once, before the operator can have seen the first.
    tokio::join!(bench.merge("a", patch), bench.delete("a"));
    until(&bench, &notes, 3).await;
    let definitions: kube::api::Api<CustomResourceDefinition> =
        kube::api::Api::all(bench.client.clone());
    definitions
        .delete("demos.example.com", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    until(&bench, &notes, 4).await;
    assert_eq!(notes.all()[2..], ["ends: RESOURCE_DELETED"; 2]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_begins_after_its_delay_and_never_if_the_object_goes_before() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let asked = |cause: &SpawningCause| {
        Duration::from_secs(cause.body.spec()["size"].as_u64().unwrap_or_default())
    };
    let registry = Registry::new().add(daemon().initial_delay(asked).run(notes.obedient()));
    let running = bench.start(registry).await;
    let began = Instant::now();
    bench.create("a", json!({"size": 30})).await;
    bench.create("b", json!({"size": 60})).await;
    sleep(Duration::from_secs(45)).await;
    assert_eq!(notes.all(), ["begins"]);
    bench.delete("b").await;
    bench.until_gone("b").await;
    assert!(began.elapsed() < Duration::from_secs(50));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(notes.all(), ["begins"]);
    running.stop().await;
}
