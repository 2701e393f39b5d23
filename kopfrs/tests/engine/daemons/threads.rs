//! Daemons that block their threads.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::prelude::*;

use super::{Notes, daemon, until, until_finalizers};
use crate::bench::{Bench, Status};

/// Whether the function may end.
type Leave = Arc<(Mutex<bool>, std::sync::Condvar)>;

/// A function that does not end before it is allowed to, on a thread of its own.
fn deaf(notes: &Notes) -> (Leave, impl Fn(Stopped) + Clone + Send + Sync + 'static) {
    let allowed = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
    let (seen, noted) = (allowed.clone(), notes.clone());
    let function = move |stopped: Stopped| {
        noted.add("begins");
        let (flag, changed) = &*seen;
        let waited = changed.wait_while(flag.lock().unwrap(), |is_allowed| !*is_allowed);
        drop(waited.unwrap());
        noted.add(format!("ends: {}", stopped.reason()));
    };
    (allowed, function)
}

#[tokio::test]
async fn a_thread_that_does_not_end_is_left_behind_but_there_are_never_two() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let (allowed, function) = deaf(&notes);
    let handler = daemon()
        .label("run", "yes")
        .cancellation_timeout(Duration::from_millis(50))
        .run_blocking(function);
    let running = bench.start(Registry::new().add(handler)).await;
    bench.create("a", json!({"size": 1})).await;
    let label = |value: Value| json!({"metadata": {"labels": {"run": value}}});
    bench.merge("a", label(json!("yes"))).await;
    until(&bench, &notes, 1).await;
    bench.merge("a", label(Value::Null)).await;
    // The object is free of it, though it is still running.
    until_finalizers(&bench, "a", 0).await;
    bench.merge("a", label(json!("yes"))).await;
    until_finalizers(&bench, "a", 1).await;
    assert_eq!(notes.all(), ["begins"]);
    *allowed.0.lock().unwrap() = true;
    allowed.1.notify_all();
    // The next one begins when it is over, and ends at once as it is allowed to.
    until(&bench, &notes, 4).await;
    let reasons = "FILTERS_MISMATCH|DAEMON_CANCELLED|DAEMON_ABANDONED";
    assert_eq!(
        notes.all(),
        ["begins", &format!("ends: {reasons}"), "begins", "ends: "]
    );
    running.stop().await;
}

#[tokio::test]
async fn functions_that_block_are_woken_at_once() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let handler = daemon().run_blocking(move |stopped: Stopped, live: Live| {
        noted.add("begins");
        while !stopped.wait(Duration::from_secs(3600)) {}
        noted.add(format!("ends with {}", live.body().name()));
        "done"
    });
    let running = bench.start(Registry::new().add(handler)).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(notes.all()[1], "ends with a");
    running.stop().await;
}

#[tokio::test]
async fn one_that_waits_for_a_thread_can_be_told_to_end() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let handler = daemon().run_blocking(move |stopped: Stopped, body: Body| {
        noted.add(body.name());
        while !stopped.wait(Duration::from_secs(3600)) {}
    });
    let mut settings = Settings::default();
    settings.execution.max_workers = Some(1);
    let running = bench
        .start_with(Registry::new().add(handler), settings)
        .await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    bench.create("b", json!({"size": 1})).await;
    until_finalizers(&bench, "b", 1).await;
    bench.delete("b").await;
    let gone = tokio::time::timeout(Duration::from_secs(10), bench.until_gone("b")).await;
    gone.expect("nothing keeps it");
    // The next one gets the thread when the first one is over.
    bench.create("c", json!({"size": 1})).await;
    until_finalizers(&bench, "c", 1).await;
    bench.delete("a").await;
    bench.until_gone("a").await;
    until(&bench, &notes, 2).await;
    assert_eq!(notes.all(), ["a", "c"]);
    running.stop().await;
}
