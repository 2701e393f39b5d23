//! Watches: selectors, history, initial events, and what kube-rs builds on them.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, pin_mut};
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs_sandbox::Sandbox;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    core::PartialObjectMeta,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};

#[expect(
    clippy::needless_pass_by_value,
    reason = "calls read better without borrows"
)]
fn map(name: &str, labels: Value) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}}))
        .expect("a ConfigMap")
}

async fn relabel(maps: &Api<ConfigMap>, name: &str, labels: Value) {
    let patch = Patch::Merge(json!({"metadata": {"labels": labels}}));
    maps.patch(name, &PatchParams::default(), &patch)
        .await
        .expect("patched");
}

fn told(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Added(object) => format!("+{}", object.name_any()),
        WatchEvent::Modified(object) => format!("~{}", object.name_any()),
        WatchEvent::Deleted(object) => format!("-{} {}", object.name_any(), object.labels()["on"]),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {}", status.code),
    }
}

#[tokio::test(start_paused = true)]
async fn selectors_turn_changes_into_coming_and_going() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let selected = WatchParams::default().labels("on=yes");
    let events = maps.watch(&selected, "0").await.expect("watching");
    maps.create(&PostParams::default(), &map("a", json!({"on": "no"})))
        .await
        .expect("created");
    relabel(&maps, "a", json!({"on": "yes"})).await;
    relabel(&maps, "a", json!({"on": "yes", "more": "1"})).await;
    relabel(&maps, "a", json!({"on": "no"})).await;
    maps.delete("a", &DeleteParams::default())
        .await
        .expect("deleted");

    let seen: Vec<String> = events
        .take(3)
        .map_ok(|event| told(&event))
        .try_collect()
        .await
        .expect("events");
    // What stops to match is told as it was when it matched.
    assert_eq!(seen, ["+a", "~a", "-a yes"]);
}

#[tokio::test(start_paused = true)]
async fn much_that_happened_to_others_hides_nothing() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let before = maps
        .list(&ListParams::default())
        .await
        .expect("a list")
        .metadata
        .resource_version
        .expect("a version");
    let others: Api<ConfigMap> = Api::namespaced(sandbox.client(), "kube-system");
    for number in 0..500 {
        let other = map(&format!("other-{number}"), json!({"on": "no"}));
        let created = others.create(&PostParams::default(), &other).await;
        created.expect("created");
    }
    maps.create(&PostParams::default(), &map("own", json!({"on": "yes"})))
        .await
        .expect("created");

    let all: Api<ConfigMap> = Api::all(sandbox.client());
    let selected = WatchParams::default().labels("on=yes");
    for (maps, params) in [(&maps, WatchParams::default()), (&all, selected)] {
        let events = maps.watch(&params, &before).await.expect("watching");
        pin_mut!(events);
        let event = events.try_next().await.expect("an event");
        assert_eq!(told(&event.expect("an event")), "+own");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_before_the_history_is_told_to_start_over() {
    let sandbox = Sandbox::builder().history_window(2).build();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let first = maps
        .create(&PostParams::default(), &map("a", json!({})))
        .await
        .expect("created");
    for name in ["b", "c", "d"] {
        maps.create(&PostParams::default(), &map(name, json!({})))
            .await
            .expect("created");
    }
    let version = first.resource_version().expect("a version");
    let events = maps
        .watch(&WatchParams::default(), &version)
        .await
        .expect("watching");
    let seen: Vec<String> = events
        .map_ok(|event| told(&event))
        .try_collect()
        .await
        .expect("events");
    assert_eq!(seen, ["error 410"]);
}

#[tokio::test(start_paused = true)]
async fn time_limits_end_a_watch_after_a_bookmark() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let start = tokio::time::Instant::now();
    let events = maps
        .watch(&WatchParams::default().timeout(10), "0")
        .await
        .expect("watching");
    let seen: Vec<String> = events
        .map_ok(|event| told(&event))
        .try_collect()
        .await
        .expect("events");
    assert_eq!(seen, ["bookmark"]);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn streaming_lists_end_their_first_part() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    maps.create(&PostParams::default(), &map("a", json!({})))
        .await
        .expect("created");
    let stream = watcher(maps.clone(), watcher::Config::default().streaming_lists());
    pin_mut!(stream);
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != "done") {
        seen.push(
            match stream.try_next().await.expect("no error").expect("goes on") {
                watcher::Event::Init => "init".to_owned(),
                watcher::Event::InitApply(object) => object.name_any(),
                watcher::Event::InitDone => "done".to_owned(),
                other => format!("{other:?}"),
            },
        );
    }
    assert_eq!(seen, ["init", "a", "done"]);
}

#[tokio::test(start_paused = true)]
async fn metadata_watches_carry_metadata_only() {
    let sandbox = Sandbox::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let mut full = map("a", json!({"on": "yes"}));
    full.data = Some([("k".to_owned(), "v".to_owned())].into());
    maps.create(&PostParams::default(), &full)
        .await
        .expect("created");
    let metadata: Api<PartialObjectMeta<ConfigMap>> = Api::default_namespaced(sandbox.client());
    let stream = watcher(metadata, watcher::Config::default()).applied_objects();
    pin_mut!(stream);
    let object = stream
        .try_next()
        .await
        .expect("no error")
        .expect("an object");
    assert_eq!(
        (object.name_any().as_str(), object.labels()["on"].as_str()),
        ("a", "yes")
    );
}

#[tokio::test(start_paused = true)]
async fn slow_watchers_hold_nobody_up() {
    let sandbox = Sandbox::builder().history_window(10).build();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let slow = maps
        .watch(&WatchParams::default(), "0")
        .await
        .expect("watching");
    for index in 0..50 {
        maps.create(
            &PostParams::default(),
            &map(&format!("m{index}"), json!({})),
        )
        .await
        .expect("created");
    }
    let seen: Vec<String> = slow
        .map_ok(|event| told(&event))
        .try_collect()
        .await
        .expect("events");
    assert_eq!(seen.last().map(String::as_str), Some("error 410"));
}
