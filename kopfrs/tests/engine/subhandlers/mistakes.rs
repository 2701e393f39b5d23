//! Sub-handlers that cannot be, and handlers that cannot have any.

use kopfrs::lifecycle::Verified;
use kopfrs::prelude::*;

use super::bench;
use crate::bench::{Demo, DemoSpec, memory};
use crate::logs::Log;

/// What is said of a creation that registers these.
async fn said(register: fn(&Subhandlers), text: &str) {
    let log = Log::start();
    let bench = bench().await;
    let create = on::create::<Demo>()
        .id("p")
        .run_blocking(move |subs: Subhandlers| register(&subs));
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(log.count(text), 1, "{text}");
    assert_eq!(log.count("failed for good"), 1, "nobody else is called");
}

#[tokio::test(start_paused = true)]
async fn two_functions_with_one_id_are_refused_and_one_function_counts_once() {
    said(
        |subs| {
            subs.register("x").run(async || 1);
            subs.register("x").run(async || 2);
        },
        "two functions are registered as the sub-handler `p/x`, at ",
    )
    .await;
    let bench = bench().await;
    let create = on::create::<Demo>().id("p").run(async |subs: Subhandlers| {
        for n in [1, 2] {
            subs.register("x").run(async move || n);
        }
        assert_eq!(subs.ids(), ["x"]);
    });
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(bench.get("a").await.unwrap()["status"]["p/x"], 1);
}

#[tokio::test(start_paused = true)]
async fn one_id_in_two_places_is_refused() {
    let log = Log::start();
    let bench = bench().await;
    let create = on::create::<Demo>().id("p").run(async |subs: Subhandlers| {
        subs.register("x").run(async |subs: Subhandlers| {
            subs.register("y").run(async || 1);
        });
        subs.register("x/y").run(async || 2);
    });
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    let text = "two functions are registered as the sub-handler `p/x/y`, at ";
    assert_eq!(log.count(text), 1);
    assert_eq!(bench.get("a").await.unwrap()["status"]["p/x/y"], 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_for_is_told() {
    said(
        |subs| subs.register("").run(async || {}),
        "has an empty id: give it one",
    )
    .await;
    said(
        |subs| subs.register("x").value(1).run(async || {}),
        "asks for values of no field: say which one with `field`",
    )
    .await;
    said(
        |subs| {
            let of_field = subs.register("x").field("spec.size".parse().unwrap());
            of_field.old(1).run(async || {});
        },
        "asks for `old` or `new` values, which only update and field handlers tell apart",
    )
    .await;
    said(
        |subs| {
            let of_field = subs.register("x").field("spec.size".parse().unwrap());
            of_field.value(1).new(2).run(async || {});
        },
        "asks for a `value`, and for `old` or `new` ones: choose either",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_fit_one_of_them_is_handled_when_it_does() {
    let bench = bench().await;
    let create = on::create::<Demo>().id("p").run(async |subs: Subhandlers| {
        subs.register("fine").run(async || "fine");
        subs.register("typed").run(async |demo: Arc<Demo>| {
            let DemoSpec { size } = demo.spec;
            size
        });
    });
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({"size": "large"})).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(memory(&bench.get("a").await.unwrap()), None);
    bench.merge("a", json!({"spec": {"size": 3}})).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(bench.get("a").await.unwrap()["status"]["p/typed"], 3);
}

#[tokio::test(start_paused = true)]
async fn handlers_of_other_kinds_are_told_who_has_them() {
    let log = Log::start();
    let bench = bench().await;
    let verify = on::verify::<Demo>().id("v").run(async |subs: Subhandlers| {
        subs.register("x").run(async || {});
        Verified::Ready
    });
    let running = bench.start(Registry::new().add(verify)).await;
    bench.create("a", json!({"size": 1})).await;
    let text = "create, update, delete, resume and field handlers have sub-handlers";
    bench
        .until("the message", || async { log.count(text) > 0 })
        .await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_registered_too_late_is_told() {
    let log = Log::start();
    let bench = bench().await;
    let create = on::create::<Demo>().id("p").run(async |subs: Subhandlers| {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            subs.register("late").run(async || {});
        });
    });
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({"size": 1})).await;
    let text = "`p/late` is never called: it was registered after its handler had returned";
    bench
        .until("the message", || async { log.count(text) == 1 })
        .await;
    running.stop().await;
}
