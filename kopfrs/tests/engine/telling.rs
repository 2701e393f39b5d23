//! Kubernetes Events that handlers ask for, and what they log as such.

use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kopfrs::api::Severity;
use kopfrs::prelude::*;
use kopfrs::settings::PostingLevel;
use kube::api::{Api, ListParams};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::bench::{Bench, Demo, Status};

/// An error with a reason.
#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct Full(#[source] std::num::ParseIntError);

async fn events(bench: &Bench) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(bench.sandbox.client(), "default");
    events.list(&ListParams::default()).await.unwrap().items
}

/// About whom, of which type, the reason and the message; sorted.
async fn told(bench: &Bench) -> Vec<[String; 4]> {
    let told = events(bench).await.into_iter().map(|event| {
        let object = event.involved_object;
        let name = format!("{}/{}", object.kind.unwrap(), object.name.unwrap());
        let texts = [event.type_, event.reason, event.message];
        let [kind, reason, message] = texts.map(Option::unwrap_or_default);
        [name, kind, reason, message]
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

fn rows(expected: &[[&str; 4]]) -> Vec<[String; 4]> {
    let mut rows: Vec<_> = expected.iter().map(|row| row.map(str::to_owned)).collect();
    rows.sort();
    rows
}

fn map(name: &str) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.to_owned());
    map.metadata.namespace = Some("default".to_owned());
    map
}

/// What one creation tells.
async fn after_creation(registry: Registry, settings: Settings, count: usize) -> Vec<[String; 4]> {
    let bench = Bench::new(Status::Open).await;
    let running = bench.start_with(registry, settings).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    until_told(&bench, count).await;
    running.stop().await;
    told(&bench).await
}

#[tokio::test(start_paused = true)]
async fn one_or_many_objects_are_told_of() {
    let create = on::create::<Demo>()
        .id("create")
        .run(async |body: Body, events: Events| {
            events.info(&body, "Info", "is known");
            events.warn(&[map("b"), map("c")], "Warn", "is wrong");
            events.event(&json!([map("d")]), Severity::Normal, "Any", "is any");
            let error = Full("x".parse::<u8>().unwrap_err());
            events.exception(&body, "Failed", "no room:", &error);
            events.exception(&body, "Failed", "", &error);
        });
    let registry = Registry::new().add(create);
    let full = "the disk is full: invalid digit found in string";
    assert_eq!(
        after_creation(registry, Settings::default(), 6).await,
        rows(&[
            ["Demo/a", "Normal", "Info", "is known"],
            ["ConfigMap/b", "Warning", "Warn", "is wrong"],
            ["ConfigMap/c", "Warning", "Warn", "is wrong"],
            ["ConfigMap/d", "Normal", "Any", "is any"],
            ["Demo/a", "Warning", "Failed", &format!("no room: {full}")],
            ["Demo/a", "Warning", "Failed", full],
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_where_events_are_off_and_of_events_never() {
    let create = || {
        on::create::<Demo>()
            .id("create")
            .run(async |body: Body, events: Events| {
                let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"}});
                events.warn(&event, "Warn", "is an event");
                let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"}});
                events.info(&event, "Info", "is an event");
                events.warn(&json!({"kind": "Demo"}), "Warn", "has no name");
                for text in ["info", "warn"] {
                    events.warn(&body, "Told", text);
                }
            })
    };
    let mut settings = Settings::default();
    let told = after_creation(Registry::new().add(create()), settings.clone(), 2).await;
    let expected = [
        ["Demo/a", "Warning", "Told", "info"],
        ["Demo/a", "Warning", "Told", "warn"],
    ];
    assert_eq!(told, rows(&expected));
    settings.posting.enabled = false;
    let told = after_creation(Registry::new().add(create()), settings, 0).await;
    assert_eq!(told, rows(&[]));
}

#[tokio::test(start_paused = true)]
async fn long_texts_fit() {
    let create = on::create::<Demo>()
        .id("create")
        .run(async |body: Body, events: Events| {
            events.warn(
                &body,
                "R".repeat(500),
                format!("begin {} end", "x".repeat(5000)),
            );
        });
    let told = after_creation(Registry::new().add(create), Settings::default(), 1).await;
    let [_, _, reason, message] = &told[0];
    assert!(reason.len() <= 128 && message.len() <= 1024);
    assert!(message.starts_with("begin ") && message.ends_with(" end"));
}

fn logging() -> Registry {
    let create = on::create::<Demo>()
        .id("create")
        .run(async |subs: Subhandlers| -> Result<()> {
            info!(size = 3, "is fine");
            warn!("is odd");
            debug!("is a detail");
            tracing::error!(target: "kube_client::retry", "is not the handler's");
            // Threads of the pool do not have what is set for this one alone.
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            subs.register("x").run_blocking(move || {
                tracing::dispatcher::with_default(&dispatch, || warn!("is odd, too"));
            });
            Ok(())
        });
    let changed = on::event::<Demo>()
        .id("event")
        .run(async || tracing::error!("is an error"));
    Registry::new().add(create).add(changed)
}

#[tokio::test(start_paused = true)]
async fn what_handlers_log_is_told_when_asked_for() {
    let subscriber = tracing_subscriber::registry().with(kopfrs::events::layer());
    let _guard = crate::logs::listen(subscriber);
    let told = after_creation(logging(), Settings::default(), 0).await;
    assert_eq!(told, rows(&[]), "by default it is not");
    let mut settings = Settings::default();
    settings.posting.loggers = true;
    let loud = [
        ["Demo/a", "Warning", "Logging", "is odd"],
        ["Demo/a", "Warning", "Logging", "is odd, too"],
        ["Demo/a", "Warning", "Logging", "is an error"],
    ];
    let told = after_creation(logging(), settings.clone(), 3).await;
    assert_eq!(told, rows(&loud));
    settings.posting.level = PostingLevel::Error;
    let told = after_creation(logging(), settings.clone(), 1).await;
    assert_eq!(told, rows(&loud[2..]));
    settings.posting.level = PostingLevel::Info;
    let told = after_creation(logging(), settings, 6).await;
    let by_handlers: Vec<_> = told.into_iter().filter(|row| row[2] == "Logging").collect();
    let fine = ["Demo/a", "Normal", "Logging", "is fine size=3"];
    assert_eq!(by_handlers, rows(&[loud[0], loud[1], loud[2], fine]));
}
