//! What they see of a change, and what becomes of them when another one comes.

use kopfrs::prelude::*;

use super::{bench, parent};
use crate::bench::{Bench, Demo, progress};

fn update(bench: &Bench) -> Registry {
    Registry::new().add(on::update::<Demo>().id("p").run(parent(bench)))
}

/// The calls with what they saw: handler and attempt, old and new `n`.
fn seen(bench: &Bench) -> Vec<(String, Value, Value)> {
    let calls = bench.calls.all().into_iter();
    let n = |spec: &Value| spec["n"].clone();
    calls
        .map(|call| {
            let name = format!("{}/{}", call.handler, call.retry);
            (name, n(&call.old), n(&call.new))
        })
        .collect()
}

fn row(name: &str, old: u32, new: u32) -> (String, Value, Value) {
    (name.to_owned(), json!(old), json!(new))
}

#[tokio::test(start_paused = true)]
async fn those_that_have_finished_with_an_update_hear_of_what_comes_later() {
    let bench = bench().await;
    let running = bench.start(update(&bench)).await;
    let script = json!({"p/y": [{"later": 100}]});
    bench
        .create("a", json!({"n": 0, "items": ["x", "y"], "script": script}))
        .await;
    bench.until_handled("a").await;
    bench.merge("a", json!({"spec": {"n": 1}})).await;
    bench.until_calls(3).await;
    bench.merge("a", json!({"spec": {"n": 2}})).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(
        seen(&bench),
        [
            row("p/0", 0, 1),
            row("p/x/0", 0, 1),
            row("p/y/0", 0, 1),
            row("p/1", 0, 2),
            row("p/x/0", 1, 2),
            row("p/y/1", 0, 2),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn they_hear_that_a_change_was_taken_back() {
    let bench = bench().await;
    let running = bench.start(update(&bench)).await;
    let script = json!({"p/y": [{"later": 100}]});
    bench
        .create("a", json!({"n": 0, "items": ["x", "y"], "script": script}))
        .await;
    bench.until_handled("a").await;
    bench.merge("a", json!({"spec": {"n": 1}})).await;
    bench.until_calls(3).await;
    bench.merge("a", json!({"spec": {"n": 0}})).await;
    bench
        .until("the end", || async {
            let object = bench.get("a").await.unwrap();
            bench.calls.all().len() >= 5 && progress(&object).is_none()
        })
        .await;
    running.stop().await;
    assert_eq!(
        seen(&bench),
        [
            row("p/0", 0, 1),
            row("p/x/0", 0, 1),
            row("p/y/0", 0, 1),
            row("p/1", 0, 0),
            row("p/x/0", 1, 0),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn those_whose_items_are_gone_are_forgotten() {
    let bench = bench().await;
    let running = bench.start(update(&bench)).await;
    let script = json!({"p/y": [{"later": 100}, {"later": 100}, {"later": 100}]});
    bench
        .create("a", json!({"n": 0, "items": ["x", "y"], "script": script}))
        .await;
    bench.until_handled("a").await;
    bench.merge("a", json!({"spec": {"n": 1}})).await;
    bench.until_calls(3).await;
    bench
        .merge("a", json!({"spec": {"n": 2, "items": ["w"]}}))
        .await;
    bench.until_handled("a").await;
    running.stop().await;
    let names = bench.calls.names();
    assert_eq!(names, ["p/0", "p/x/0", "p/y/0", "p/1", "p/w/0"]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_those_of_a_creation() {
    let bench = bench().await;
    let registry = Registry::new()
        .add(on::create::<Demo>().id("p").run(parent(&bench)))
        .add(on::delete::<Demo>().id("p").run(parent(&bench)));
    let running = bench.start(registry).await;
    let script = json!({"p/x": [{"later": 1000}]});
    bench
        .create("a", json!({"items": ["x", "y"], "script": script}))
        .await;
    bench.until_calls(3).await;
    bench.calls.clear();
    bench.delete("a").await;
    bench.until_calls(3).await;
    running.stop().await;
    assert_eq!(
        bench.calls.names(),
        ["p/0", "p/x/0", "p/y/0"],
        "one id for two occasions: what was done for the creation does not count"
    );
}

#[tokio::test(start_paused = true)]
async fn they_see_what_their_parent_sees_or_a_field_of_their_own() {
    let bench = bench().await;
    let calls = bench.calls.clone();
    let tell = async |call: Arc<Invocation<ChangingCause>>| -> Value {
        json!([
            call.cause.old.as_deref(),
            call.cause.new.as_deref(),
            call.cause.diff.len()
        ])
    };
    let update = on::field::<Demo>()
        .field("spec.n".parse().unwrap())
        .id("p")
        .run(
            move |call: Arc<Invocation<ChangingCause>>, subs: Subhandlers| {
                calls.note(&call);
                subs.register("same").run(tell);
                subs.register("other")
                    .field("spec.m".parse().unwrap())
                    .run(tell);
                let unchanged = subs
                    .register("unchanged")
                    .field("spec.same".parse().unwrap());
                unchanged.run(async || "never");
                subs.register("old")
                    .field("spec.n".parse().unwrap())
                    .old(7)
                    .run(async || "never");
                subs.register("new")
                    .field("spec.n".parse().unwrap())
                    .new(2)
                    .run(async || "is two");
                let filtered = subs
                    .register("filtered")
                    .when(|cause| cause.body.name() != "a");
                filtered.run(async || "never");
                std::future::ready(())
            },
        );
    let running = bench.start(Registry::new().add(update)).await;
    bench.create("a", json!({"n": 1, "m": 1, "same": 1})).await;
    bench.until_handled("a").await;
    bench.merge("a", json!({"spec": {"n": 2, "m": 5}})).await;
    bench.until_handled("a").await;
    running.stop().await;
    let status = bench.get("a").await.unwrap()["status"].clone();
    let told = |id: &str| status[format!("p/spec.n/{id}")].clone();
    assert_eq!(told("same"), json!([1, 2, 1]));
    assert_eq!(told("other"), json!([1, 5, 1]));
    assert_eq!(told("new"), "is two");
    for never in ["old", "filtered"] {
        assert_eq!(told(never), Value::Null, "{never}");
    }
}

#[tokio::test(start_paused = true)]
async fn those_of_a_field_do_not_hear_of_what_changes_elsewhere() {
    let bench = bench().await;
    let registry = Registry::new().add(
        on::field::<Demo>()
            .field("spec.items".parse().unwrap())
            .id("p")
            .run(parent(&bench)),
    );
    let running = bench.start(registry).await;
    bench.create("a", json!({"n": 0, "items": []})).await;
    bench.until_handled("a").await;
    bench.calls.clear();
    let script = json!({"p/spec.items/y": [{"later": 100}]});
    bench
        .merge(
            "a",
            json!({"spec": {"script": script, "items": ["x", "y"]}}),
        )
        .await;
    bench.until_calls(3).await;
    bench
        .merge("a", json!({"metadata": {"labels": {"some": "label"}}}))
        .await;
    bench.until_handled("a").await;
    running.stop().await;
    let names: Vec<String> = bench
        .calls
        .names()
        .iter()
        .map(|n| n.replace("/spec.items", ""))
        .collect();
    assert_eq!(names, ["p/0", "p/x/0", "p/y/0", "p/1", "p/y/1"]);
}
