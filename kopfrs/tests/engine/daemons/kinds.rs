//! Daemons whose kinds change while they run.

use std::time::Duration;

use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use super::{Notes, daemon, finalizers, until, until_finalizers};
use crate::bench::{Bench, Status, definition};

/// A daemon that takes so long after it has been told to end, or ends by itself after that time.
fn lingering(
    notes: &Notes,
    seconds: u64,
    is_told: bool,
) -> impl Fn(Stopped) -> futures::future::BoxFuture<'static, &'static str> + Send + Sync + 'static {
    let notes = notes.clone();
    move |stopped: Stopped| {
        let notes = notes.clone();
        Box::pin(async move {
            notes.add("begins");
            if is_told {
                stopped.until_set().await;
            }
            sleep(Duration::from_secs(seconds)).await;
            notes.add(format!("ends: {}", stopped.reason()));
            "done"
        })
    }
}

/// The kind gets another short name; gives the operator the time to notice.
async fn rename(bench: &Bench, status: Status) {
    let renamed = definition(status).replace("[dm]", "[dm, dmo]");
    bench.sandbox.apply_yaml(&renamed).await.unwrap();
    sleep(Duration::from_secs(60)).await;
}

/// The definition with a second version, which is the preferred one.
fn with_second_version() -> String {
    let second = r"    - name: v2
      served: true
      storage: false
      subresources: {status: {}}
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
";
    format!("{}{second}", definition(Status::Open))
}

#[tokio::test(start_paused = true)]
async fn the_end_is_noticed_at_once_though_the_kind_has_changed_meanwhile() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let registry = Registry::new().add(daemon().run(lingering(&notes, 100, true)));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    rename(&bench, Status::Open).await;
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(began.elapsed().as_secs(), 100);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_by_itself_releases_its_object_though_the_kind_has_changed_meanwhile() {
    // The second one has got an endpoint for its status: that is where the result belongs.
    for before in [Status::Open, Status::Plain] {
        let bench = Bench::new(before).await;
        let notes = Notes::new();
        let registry = Registry::new().add(daemon().run(lingering(&notes, 100, false)));
        let running = bench.start(registry).await;
        bench.create("a", json!({"size": 1})).await;
        until(&bench, &notes, 1).await;
        assert_eq!(finalizers(&bench, "a").await, 1);
        rename(&bench, Status::Open).await;
        until(&bench, &notes, 2).await;
        until_finalizers(&bench, "a", 0).await;
        let status = bench.get("a").await.unwrap()["status"].clone();
        assert_eq!(status, json!({"daemon": "done"}));
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn when_another_version_is_preferred_the_next_one_waits_for_the_end_of_the_one_before() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let handler = on::daemon_of(Selector::plural("demos").unwrap()).id("daemon");
    let registry = Registry::new().add(handler.run(lingering(&notes, 100, true)));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    bench
        .sandbox
        .apply_yaml(&with_second_version())
        .await
        .unwrap();
    until(&bench, &notes, 3).await;
    assert_eq!(notes.all(), ["begins", "ends: FILTERS_MISMATCH", "begins"]);
    let timed = notes.timed();
    assert!(timed[2].0 - timed[0].0 >= 100, "{timed:?}");
    assert_eq!(finalizers(&bench, "a").await, 1);
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(began.elapsed().as_secs(), 100);
    assert_eq!(notes.all()[3], "ends: RESOURCE_DELETED");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn deletion_waits_for_one_that_was_begun_under_another_version() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let handler = on::daemon_of(Selector::plural("demos").unwrap()).id("daemon");
    let registry = Registry::new().add(handler.run(lingering(&notes, 100, true)));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    bench
        .sandbox
        .apply_yaml(&with_second_version())
        .await
        .unwrap();
    let began = Instant::now();
    sleep(Duration::from_secs(60)).await;
    bench.delete("a").await;
    bench.until_gone("a").await;
    let seconds = began.elapsed().as_secs();
    assert!((100..=160).contains(&seconds), "{seconds}");
    assert_eq!(notes.all().len(), 2, "{:?}", notes.all());
    assert!(notes.all()[1].starts_with("ends: FILTERS_MISMATCH"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_is_dropped_tells_of_no_deletion() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    // Whatever is dropped must not be all that could tell.
    let (noted, (sender, told)) = (notes.clone(), std::sync::mpsc::channel());
    let registry = Registry::new().add(daemon().run(move |stopped: Stopped| {
        noted.add("begins");
        let sender = sender.clone();
        async move {
            let _told = sender.send(stopped);
            std::future::pending::<()>().await;
        }
    }));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    running.kill().await;
    sleep(Duration::from_secs(1)).await;
    let reason = told.recv().unwrap().reason();
    assert!(
        !reason.contains(DaemonStoppingReason::RESOURCE_DELETED),
        "{reason}"
    );
    assert!(
        reason.contains(DaemonStoppingReason::OPERATOR_EXITING),
        "{reason}"
    );
}
