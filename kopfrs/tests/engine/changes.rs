//! What is called for what, and with which states.

use std::sync::Arc;
use std::time::Duration;

use kopfrs::prelude::*;
use tokio::sync::Notify;

use crate::bench::{Bench, Demo, Status, memory};

#[tokio::test(start_paused = true)]
async fn an_edit_during_the_creation_is_an_update_after_it() {
    let bench = Bench::new(Status::Open).await;
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (entering, waiting) = (entered.clone(), go_on.clone());
    let slow = bench.handler(move |_| {
        let (entered, go_on) = (entering.clone(), waiting.clone());
        async move {
            entered.notify_one();
            go_on.notified().await;
            Ok(())
        }
    });
    let registry = Registry::new()
        .add(on::create::<Demo>().id("create").run(slow))
        .add(on::update::<Demo>().id("update").run(bench.noting()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    entered.notified().await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    go_on.notify_one();
    bench.until_calls(2).await;
    bench.until_handled("a").await;
    let calls = bench.calls.all();
    assert_eq!(calls[0].new, json!({"size": 1}));
    assert_eq!(
        (&*calls[1].handler, &calls[1].old, &calls[1].new),
        ("update", &json!({"size": 1}), &json!({"size": 2}))
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_during_a_retry_calls_those_again_that_had_finished() {
    let bench = Bench::new(Status::Open).await;
    let failing = bench.handler(|call| {
        let is_first = call.attempt.retry == 0;
        std::future::ready(if is_first {
            Err(TemporaryError::after_secs("not yet", 30).into())
        } else {
            Ok(())
        })
    });
    let registry = Registry::new()
        .add(on::update::<Demo>().id("retried").run(failing))
        .add(on::update::<Demo>().id("quick").run(bench.noting()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 0})).await;
    bench.until_handled("a").await;
    bench.merge("a", json!({"spec": {"size": 1}})).await;
    bench.until_calls(2).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    bench.until_calls(4).await;
    bench.until_handled("a").await;
    let states = |handler: &str| -> Vec<_> {
        let calls = bench
            .calls
            .all()
            .into_iter()
            .filter(|call| call.handler == handler);
        calls
            .map(|call| (call.old["size"].clone(), call.new["size"].clone()))
            .collect()
    };
    assert_eq!(
        states("quick"),
        [(json!(0), json!(1)), (json!(1), json!(2))]
    );
    assert_eq!(
        states("retried"),
        [(json!(0), json!(1)), (json!(0), json!(2))]
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn foreign_finalizers_are_left_alone() {
    let bench = Bench::new(Status::Open).await;
    let registry = Registry::new().add(on::delete::<Demo>().id("delete").run(bench.noting()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    bench
        .merge(
            "a",
            json!({"metadata": {"finalizers": ["kopfrs.dev/finalizer", "example.com/other"]}}),
        )
        .await;
    bench.delete("a").await;
    bench.until_calls(1).await;
    bench
        .until("our finalizer to go", || async {
            let object = bench.get("a").await.unwrap();
            object["metadata"]["finalizers"] == json!(["example.com/other"])
        })
        .await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.calls.names(), ["delete/0"]);
    bench
        .merge("a", json!({"metadata": {"finalizers": null}}))
        .await;
    bench.until_gone("a").await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn transformations_and_merges_arrive_together() {
    let bench = Bench::new(Status::Open).await;
    let transforming = bench.handler(|call| {
        call.cause.patch.spec(json!({"merged": true}));
        call.cause.patch.transform(|body| {
            if let Some(list) = body["spec"]["list"].as_array_mut() {
                list.push(json!("added"));
            }
        });
        std::future::ready(Ok(()))
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(transforming));
    let running = bench.start(registry).await;
    bench.create("a", json!({"list": ["there"]})).await;
    bench.until_handled("a").await;
    let object = bench.get("a").await.unwrap();
    assert_eq!(
        object["spec"],
        json!({"list": ["there", "added"], "merged": true})
    );
    assert_eq!(memory(&object).unwrap()["spec"], object["spec"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn raw_events_are_seen_with_their_types() {
    let bench = Bench::new(Status::Open).await;
    let types = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = types.clone();
    let watching = move |event: RawEvent| {
        let seen = seen.clone();
        async move { seen.lock().unwrap().push(event.event_type) }
    };
    bench.create("before", json!({"size": 1})).await;
    let registry = Registry::new().add(on::event::<Demo>().id("event").run(watching));
    let running = bench.start(registry).await;
    bench
        .until("the listing", || async { types.lock().unwrap().len() == 1 })
        .await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .until("the addition", || async {
            types.lock().unwrap().len() == 2
        })
        .await;
    bench.delete("a").await;
    bench
        .until("the deletion", || async {
            types.lock().unwrap().len() == 3
        })
        .await;
    assert_eq!(
        *types.lock().unwrap(),
        [EventType::Listed, EventType::Added, EventType::Deleted]
    );
    assert_eq!(bench.writes("a"), Vec::<String>::new());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_while_a_creation_is_retried_is_an_update_after_it() {
    let bench = Bench::new(Status::Open).await;
    let failing = bench.handler(|call| {
        let is_first = call.attempt.retry == 0;
        std::future::ready(if is_first {
            Err(TemporaryError::after_secs("not yet", 30).into())
        } else {
            Ok(())
        })
    });
    let registry = Registry::new()
        .add(on::create::<Demo>().id("quick").run(bench.noting()))
        .add(on::create::<Demo>().id("retried").run(failing))
        .add(on::update::<Demo>().id("update").run(bench.noting()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(2).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    bench.until_calls(4).await;
    bench.until_handled("a").await;
    let calls = bench.calls.all();
    let states: Vec<_> = calls
        .iter()
        .map(|call| (&*call.handler, &call.old["size"], &call.new["size"]))
        .collect();
    let (none, one, two) = (json!(null), json!(1), json!(2));
    assert_eq!(
        states,
        [
            ("quick", &none, &one),
            ("retried", &none, &one),
            ("retried", &none, &two),
            ("update", &one, &two),
        ]
    );
    running.stop().await;
}
