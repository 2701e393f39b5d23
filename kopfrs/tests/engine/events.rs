//! Kubernetes Events about objects whose handlers fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use k8s_openapi::api::core::v1::{Event, Namespace};
use kopfrs::prelude::*;
use kopfrs::settings::PostingLevel;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Running, Status};

async fn events(bench: &Bench) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(bench.sandbox.client(), "default");
    events.list(&ListParams::default()).await.unwrap().items
}

/// Reasons, counts and messages, sorted.
async fn told(bench: &Bench) -> Vec<(String, i32, String)> {
    let told = events(bench).await.into_iter().map(|event| {
        let (reason, message) = (event.reason.unwrap(), event.message.unwrap());
        let series = event.series.and_then(|series| series.count);
        (reason, series.or(event.count).unwrap_or(1), message)
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

async fn until_told(bench: &Bench, count: usize) {
    bench
        .until("the events", || async {
            events(bench).await.len() >= count
        })
        .await;
}

/// An operator with a handler that fails some times before it succeeds, the last time for good if it
/// never does.
async fn start(bench: &Bench, failures: u32, settings: Settings) -> Running {
    let create = bench.handler(move |call| {
        let retry = call.attempt.retry;
        std::future::ready(if retry < failures {
            Err(TemporaryError::after_secs(format!("no. {retry}"), 5).into())
        } else {
            Ok(())
        })
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").retries(6).run(create));
    bench.start_with(registry, settings).await
}

fn is_event(request: &http::Request<kube::client::Body>) -> bool {
    request.uri().path().contains("/events") && request.method() != Method::GET
}

#[tokio::test(start_paused = true)]
async fn failures_of_an_object_are_told_and_repetitions_are_counted() {
    let bench = Bench::new(Status::Open).await;
    let running = start(&bench, 100, Settings::default()).await;
    bench.create("a", json!({"size": 1})).await;
    until_told(&bench, 2).await;
    sleep(Duration::from_secs(60)).await;
    let expected = [
        ("HandlerFailed", 1, "create failed for good: no. 5"),
        ("HandlerRetried", 5, "create failed, tried again: no. 0"),
    ];
    let expected =
        expected.map(|(reason, count, text)| (reason.to_owned(), count, text.to_owned()));
    assert_eq!(told(&bench).await, expected);
    let event = events(&bench).await.remove(0);
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    assert_eq!(event.reporting_component.as_deref(), Some("kopfrs"));
    let object = bench.get("a").await.unwrap();
    let regarding = event.involved_object;
    assert_eq!(regarding.uid.as_deref(), object["metadata"]["uid"].as_str());
    assert_eq!(
        (
            regarding.kind.as_deref(),
            regarding.name.as_deref(),
            regarding.namespace.as_deref()
        ),
        (Some("Demo"), Some("a"), Some("default"))
    );
    // Five repetitions, five seconds apart, in no more than three further requests.
    let requests = bench.sandbox.journal().requests();
    let writes = requests.writes().resource("events").iter().count();
    assert!((3..=5).contains(&writes), "{writes}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn success_is_told_only_if_asked_for() {
    for (level, count) in [(None, 0), (Some(PostingLevel::Info), 1)] {
        let bench = Bench::new(Status::Open).await;
        let mut settings = Settings::default();
        settings.posting.level = level.unwrap_or(settings.posting.level);
        let running = start(&bench, 0, settings).await;
        bench.create("a", json!({"size": 1})).await;
        bench.until_handled("a").await;
        running.stop().await;
        let told = told(&bench).await;
        assert_eq!(told.len(), count);
        assert!(told.iter().all(|(reason, ..)| reason == "HandlerSucceeded"));
    }
}

#[tokio::test(start_paused = true)]
async fn levels_and_the_switch_leave_events_out() {
    for (is_enabled, level, reasons) in [
        (true, PostingLevel::Error, &["HandlerFailed"][..]),
        (false, PostingLevel::Info, &[]),
    ] {
        let bench = Bench::new(Status::Open).await;
        let mut settings = Settings::default();
        settings.posting.enabled = is_enabled;
        settings.posting.level = level;
        let running = start(&bench, 100, settings).await;
        bench.create("a", json!({"size": 1})).await;
        bench.until_calls(6).await;
        running.stop().await;
        let told = told(&bench).await;
        assert_eq!(
            told.iter()
                .map(|(reason, ..)| &**reason)
                .collect::<Vec<_>>(),
            reasons
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_write_events_handlers_go_on_and_few_requests_are_made() {
    let (is_granted, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (granted, counted) = (is_granted.clone(), asked.clone());
    let bench = Bench::new(Status::Open).await.refusing(move |request| {
        let is_refused = is_event(request) && !granted.load(Ordering::SeqCst);
        is_refused.then(|| counted.fetch_add(1, Ordering::SeqCst));
        is_refused.then_some(403)
    });
    let running = start(&bench, 3, Settings::default()).await;
    for name in ["a", "b", "c"] {
        bench.create(name, json!({"size": 1})).await;
        bench.until_handled(name).await;
    }
    // In its own group and in the core group.
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    is_granted.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(300)).await;
    bench.create("d", json!({"size": 1})).await;
    until_told(&bench, 1).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_a_namespace_that_goes_is_not_told_and_keeps_nobody_else_quiet() {
    let bench = Bench::new(Status::Open).await;
    let namespaces: Api<Namespace> = Api::all(bench.sandbox.client());
    let namespace = serde_json::from_value(json!({"metadata": {"name": "team-a"}})).unwrap();
    let params = PostParams::default();
    namespaces.create(&params, &namespace).await.unwrap();
    let failing = bench.handler(|call| {
        let error = TemporaryError::after_secs("not yet", 1).into();
        std::future::ready(if call.attempt.retry < 5 {
            Err(error)
        } else {
            Ok(())
        })
    });
    let registry = Registry::new().add(on::delete::<Demo>().id("delete").run(failing));
    let running = bench.start(registry).await;
    let manifest = r"
apiVersion: example.com/v1
kind: Demo
metadata: {name: a, namespace: team-a}
spec: {size: 1}
";
    bench.sandbox.apply_yaml(manifest).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let params = DeleteParams::default();
    namespaces.delete("team-a", &params).await.unwrap();
    bench.until_calls(6).await;
    bench.create("b", json!({"size": 1})).await;
    sleep(Duration::from_secs(5)).await;
    bench.delete("b").await;
    until_told(&bench, 1).await;
    let of_events = bench.sandbox.journal().requests().resource("events");
    let refused = of_events.matching(|request| request.status() == Some(403));
    assert!(refused.iter().count() > 0, "the API takes no events there");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn with_the_right_to_create_events_only_nothing_is_counted_and_nothing_else_suffers() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let bench = Bench::new(Status::Open).await.refusing(move |request| {
        let is_refused = is_event(request) && request.method() == Method::PATCH;
        is_refused.then(|| counted.fetch_add(1, Ordering::SeqCst));
        is_refused.then_some(403)
    });
    let running = start(&bench, 5, Settings::default()).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    bench.create("b", json!({"size": 1})).await;
    bench.until_handled("b").await;
    assert_eq!(told(&bench).await.len(), 2);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_has_expired_is_written_anew() {
    let bench = Bench::new(Status::Open).await;
    let running = start(&bench, 5, Settings::default()).await;
    bench.create("a", json!({"size": 1})).await;
    until_told(&bench, 1).await;
    let api: Api<Event> = Api::namespaced(bench.sandbox.client(), "default");
    let name = events(&bench).await.remove(0).metadata.name.unwrap();
    api.delete(&name, &DeleteParams::default()).await.unwrap();
    bench.until_handled("a").await;
    sleep(Duration::from_secs(20)).await;
    let told = told(&bench).await;
    assert_eq!((told.len(), told[0].1), (1, 5));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_api_that_takes_no_events_holds_up_neither_handlers_nor_the_end() {
    let bench = Bench::new(Status::Open).await;
    let inner = bench.client.clone();
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let inner = inner.clone();
        async move {
            if is_event(&request) {
                std::future::pending::<()>().await;
            }
            inner.send(request).await
        }
    });
    let bench = Bench {
        client: kube::Client::new(service, "default"),
        ..bench
    };
    let mut settings = Settings::default();
    settings.posting.queue_limit = 2;
    let running = start(&bench, 2, settings).await;
    for i in 0..10 {
        bench.create(&format!("a{i}"), json!({"size": 1})).await;
    }
    for i in 0..10 {
        bench.until_handled(&format!("a{i}")).await;
    }
    let began = Instant::now();
    running.stop().await;
    let seconds = began.elapsed().as_secs_f64();
    assert!((1.9..2.5).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_written_before_the_end() {
    let bench = Bench::new(Status::Open).await;
    let running = start(&bench, 100, Settings::default()).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(2).await;
    running.stop().await;
    let told = told(&bench).await;
    assert_eq!((told.len(), told[0].1), (1, 2), "{told:?}");
}
