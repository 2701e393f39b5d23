//! How many requests it takes.

use std::time::Duration;

use kopfrs::prelude::*;

use crate::bench::{Bench, Demo, Status};

/// All handlers of a life, with a phase in the status.
fn life(bench: &Bench) -> Registry {
    let phased = |phase: &'static str| {
        bench.handler(move |call| {
            call.cause.patch.status(json!({ "phase": phase }));
            std::future::ready(Ok(()))
        })
    };
    Registry::new()
        .add(on::create::<Demo>().id("create").run(phased("created")))
        .add(on::update::<Demo>().id("update").run(phased("updated")))
        .add(on::delete::<Demo>().id("delete").run(bench.noting()))
}

async fn check(status: Status, create: &[&str], update: &[&str], delete: &[&str]) {
    let bench = Bench::new(status).await;
    let running = bench.start(life(&bench)).await;
    let since = |from: usize| bench.writes("a")[from..].to_vec();
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    assert_eq!(since(0), create, "{status:?}");
    let from = bench.writes("a").len();
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    bench.until_handled("a").await;
    // The first of them is ours.
    assert_eq!(since(from + 1), update, "{status:?}");
    let from = bench.writes("a").len();
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(since(from), delete, "{status:?}");
    assert_eq!(bench.calls.names(), ["create/0", "update/0", "delete/0"]);
    let reads = bench.sandbox.journal().requests().matching(|request| {
        request.user_agent().starts_with("kopfrs")
            && request.verb() == "get"
            && request.resource() == "demos"
    });
    assert_eq!(reads.iter().count(), 0, "the framework reads no objects");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn memory_in_the_status_costs_nothing() {
    check(
        Status::Open,
        &["PATCH", "PATCH/status"],
        &["PATCH/status"],
        &["PATCH"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn memory_in_annotations_costs_one_write_where_the_status_changes_too() {
    check(
        Status::Strict,
        &["PATCH", "PATCH/status", "PATCH"],
        &["PATCH/status", "PATCH"],
        &["PATCH"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_status_endpoint_one_patch_holds_everything() {
    check(Status::Plain, &["PATCH", "PATCH"], &["PATCH"], &["PATCH"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_operator_sends_nothing_but_watches() {
    let bench = Bench::new(Status::Open).await;
    let running = bench.start(life(&bench)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    let mark = bench.sandbox.journal().mark();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let sent = bench.sandbox.journal().since(mark);
    let others: Vec<_> = sent
        .matching(|request| request.verb() != "watch")
        .iter()
        .cloned()
        .collect();
    assert!(others.is_empty(), "{others:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_writes_nothing_to_handled_objects() {
    let bench = Bench::new(Status::Strict).await;
    let running = bench.start(life(&bench)).await;
    for name in ["a", "b", "c"] {
        bench.create(name, json!({"size": 1})).await;
        bench.until_handled(name).await;
    }
    running.stop().await;
    let mark = bench.sandbox.journal().mark();
    let running = bench.start(life(&bench)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        bench.sandbox.journal().since(mark).writes().iter().count(),
        0
    );
    running.stop().await;
}
