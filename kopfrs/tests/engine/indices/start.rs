//! At the start nobody sees incomplete indices, and nobody waits for ever.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kopfrs::index::Indices;
use kopfrs::prelude::*;
use tokio::time::sleep;

use super::{View, by_role, create_map, delete_map, entry, merge_map};
use crate::bench::{Bench, Demo, Status};
use crate::logs::Log;

/// How many objects an index knows, as a handler sees it.
fn counted(call: &Indices) -> usize {
    let index = call.get::<String, String>("by_role").unwrap();
    index.iter().map(|(_, store)| store.len()).sum()
}

/// An operator that indexes config maps, and handles demos of which each notes how complete the index is.
fn counting(bench: &Bench, expected: usize) -> Registry {
    let calls = bench.calls.clone();
    let noting = move |call: Arc<Invocation<ChangingCause>>, indices: Indices| {
        assert_eq!(counted(&indices), expected, "an incomplete index");
        calls.note(&call);
        std::future::ready(())
    };
    Registry::new()
        .add(on::create::<Demo>().id("create").retries(1).run(noting))
        .add(by_role().run(async |map: Body| {
            // Some take their time.
            sleep(Duration::from_millis(20)).await;
            entry(&map)
        }))
}

async fn create_maps(bench: &Bench, count: usize) {
    for number in 0..count {
        create_map(bench, &format!("m{number}"), Some("x"), "1").await;
    }
}

/// A narrow operator: one request at a time, small pages.
fn narrow() -> Settings {
    let mut settings = Settings::default();
    settings.networking.requests_in_flight = 1;
    settings.watching.page_size = 3;
    settings
}

#[tokio::test(start_paused = true)]
async fn handlers_see_complete_indices_from_the_first_call_on_however_narrow_the_operator_is() {
    let bench = Bench::new(Status::Open).await;
    create_maps(&bench, 30).await;
    for number in 0..10 {
        bench
            .create(&format!("d{number}"), json!({"size": 1}))
            .await;
    }
    let running = bench.start_with(counting(&bench, 30), narrow()).await;
    bench.until_calls(10).await;
    running.stop().await;
    assert_eq!(bench.calls.names().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn indexed_objects_wait_for_one_another() {
    let bench = Bench::new(Status::Open).await;
    create_maps(&bench, 12).await;
    let calls = bench.calls.clone();
    let create = on::create::<ConfigMap>()
        .id("create")
        .retries(1)
        .label("role", PRESENT);
    let create = create.run(
        move |call: Arc<Invocation<ChangingCause>>, indices: Indices| {
            assert_eq!(counted(&indices), 12, "an incomplete index");
            calls.note(&call);
            std::future::ready(())
        },
    );
    let events = on::event::<ConfigMap>().id("event").label("role", PRESENT);
    let (seen, all) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(true)),
    );
    let (noting, complete) = (seen.clone(), all.clone());
    let events = events.run(move |indices: Indices| {
        noting.store(true, Ordering::SeqCst);
        complete.fetch_and(counted(&indices) == 12, Ordering::SeqCst);
        std::future::ready(())
    });
    let index = by_role().run(async |map: Body| entry(&map));
    let registry = Registry::new().add(create).add(events).add(index);
    let running = bench.start_with(registry, narrow()).await;
    bench.until_calls(12).await;
    running.stop().await;
    assert!(seen.load(Ordering::SeqCst) && all.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn an_empty_kind_holds_up_nobody() {
    let bench = Bench::new(Status::Open).await;
    bench.create("a", json!({"size": 1})).await;
    let running = bench.start(counting(&bench, 0)).await;
    bench.until_calls(1).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_cannot_be_listed_is_waited_for_and_named() {
    let (is_broken, log) = (Arc::new(AtomicBool::new(true)), Log::start());
    let broken = is_broken.clone();
    let bench = Bench::new(Status::Open).await.refusing(move |request| {
        let is_concerned = request.uri().path().ends_with("/configmaps");
        (is_concerned && broken.load(Ordering::SeqCst)).then_some(403)
    });
    create_maps(&bench, 2).await;
    bench.create("a", json!({"size": 1})).await;
    let running = bench.launch(counting(&bench, 2), Settings::default());
    sleep(Duration::from_secs(200)).await;
    assert_eq!(bench.calls.names(), Vec::<String>::new());
    assert!(
        log.count(
            "no handler is called before all indices are complete: configmaps.v1 is not listed yet"
        ) > 0
    );
    is_broken.store(false, Ordering::SeqCst);
    bench.until_calls(1).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let log = Log::start();
    let bench = Bench::new(Status::Open)
        .await
        .refusing(|request| request.uri().path().ends_with("/configmaps").then_some(403));
    bench.create("a", json!({"size": 1})).await;
    let running = bench.launch(counting(&bench, 0), Settings::default());
    sleep(Duration::from_secs(290)).await;
    assert_eq!(bench.calls.names(), Vec::<String>::new());
    bench.until_calls(1).await;
    assert!(log.count("handlers are called though indices are incomplete") > 0);
    running.stop().await;

    let mut settings = Settings::default();
    settings.indexing.patience = None;
    bench.calls.clear();
    bench.create("b", json!({"size": 1})).await;
    let running = bench.launch(counting(&bench, 0), settings);
    sleep(Duration::from_secs(3000)).await;
    assert_eq!(bench.calls.names(), Vec::<String>::new());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn kinds_that_come_later_hold_up_nobody() {
    let bench = Bench::new(Status::Open).await;
    let view = View::default();
    let later = on::index_of(Selector::name("laters").unwrap());
    let later = later
        .id("later")
        .run(async |_: Body| vec![("k".to_owned(), String::new())]);
    bench.create("a", json!({"size": 1})).await;
    let registry = view.seen(counting(&bench, 0).add(later));
    let running = bench.start(registry).await;
    bench.until_calls(1).await;
    let definition = crate::bench::definition(Status::Open);
    let definition = definition.replace("demo", "later").replace("Demo", "Later");
    let definition = definition.replace("[dm]", "[lt]");
    bench.sandbox.apply_yaml(&definition).await.unwrap();
    let object =
        "{apiVersion: example.com/v1, kind: Later, metadata: {name: b, namespace: default}}";
    bench.sandbox.apply_yaml(object).await.unwrap();
    bench
        .until("the later kind", || async { view.of("later").len() == 1 })
        .await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn indices_follow_their_objects_while_handlers_wait() {
    let view = View::default();
    let bench = Bench::new(Status::Open)
        .await
        .refusing(|request| request.uri().path().ends_with("/secrets").then_some(403));
    let secrets = on::index::<Secret>()
        .id("secrets")
        .run(async |_: Body| vec![((), 1)]);
    let calls = bench.calls.clone();
    let create = on::create::<ConfigMap>()
        .id("create")
        .label("role", PRESENT);
    let create = create.run(move |call: Arc<Invocation<ChangingCause>>| {
        calls.note(&call);
        std::future::ready(())
    });
    let index = by_role().run(async |map: Body| entry(&map));
    let registry = Registry::new().add(create).add(index).add(secrets);
    for (name, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        create_map(&bench, name, Some("x"), value).await;
    }
    let running = bench.launch(view.seen(registry), Settings::default());
    super::until_it_holds(&bench, &view, &[("x", &["1", "2", "3"])]).await;
    merge_map(&bench, "a", json!({"data": {"value": "4"}})).await;
    delete_map(&bench, "b").await;
    create_map(&bench, "d", Some("x"), "5").await;
    super::until_it_holds(&bench, &view, &[("x", &["4", "3", "5"])]).await;
    assert_eq!(bench.calls.names(), Vec::<String>::new());
    bench.until_calls(3).await;
    let mut names: Vec<_> = bench
        .calls
        .all()
        .into_iter()
        .map(|call| call.name)
        .collect();
    names.sort();
    assert_eq!(names, ["a", "c", "d"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_waits_can_be_stopped() {
    let bench = Bench::new(Status::Open)
        .await
        .refusing(|request| request.uri().path().ends_with("/configmaps").then_some(403));
    bench.create("a", json!({"size": 1})).await;
    let running = bench.launch(counting(&bench, 0), Settings::default());
    sleep(Duration::from_secs(10)).await;
    running.stop().await;
    assert_eq!(bench.calls.names(), Vec::<String>::new());
}
