//! Operators that meet in peerings, as Kopf's do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kopfrs::prelude::*;
use kube::api::{Api, DynamicObject, Patch as ApiPatch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Running, Status};

const DEFINITIONS: &str = include_str!("../../../examples/06-peering/peering.yaml");

/// What handlers were called for, by which operator.
type Diary = Arc<Mutex<Vec<String>>>;

fn handlers(operator: &'static str, diary: &Diary) -> Registry {
    let told = |event: &'static str| {
        let diary = diary.clone();
        move |body: Body| {
            let said = format!("{operator} {event} {}", body.name());
            diary.lock().unwrap().push(said);
            std::future::ready(())
        }
    };
    Registry::new()
        .add(on::create::<Demo>().id("create").run(told("created")))
        .add(on::update::<Demo>().id("update").run(told("updated")))
        .add(on::resume::<Demo>().id("resume").run(told("resumed")))
}

fn settings(priority: i64) -> Settings {
    let mut settings = Settings::default();
    settings.peering.priority = priority;
    settings
}

fn peerings(bench: &Bench) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("kopf.dev", "v1", "ClusterKopfPeering");
    Api::all_with(bench.client.clone(), &ApiResource::from_gvk(&gvk))
}

async fn make_peering(bench: &Bench, name: &str) {
    let peering = json!({
        "apiVersion": "kopf.dev/v1", "kind": "ClusterKopfPeering", "metadata": {"name": name},
    });
    let peering = serde_json::from_value(peering).unwrap();
    let api = peerings(bench);
    api.create(&PostParams::default(), &peering).await.unwrap();
}

async fn enter(bench: &Bench, identity: &str, entry: Value) {
    let patch = ApiPatch::Merge(json!({"status": {identity: entry}}));
    let api = peerings(bench);
    let patched = api.patch("default", &PatchParams::default(), &patch).await;
    patched.unwrap();
}

async fn entries(bench: &Bench) -> Vec<(String, Value)> {
    let peering = peerings(bench).get("default").await.unwrap();
    let status = peering.data["status"].as_object().cloned();
    status.unwrap_or_default().into_iter().collect()
}

async fn until_said(bench: &Bench, diary: &Diary, what: &str) {
    let is_said = || async { diary.lock().unwrap().iter().any(|said| said == what) };
    bench.until(what, is_said).await;
}

async fn world() -> (Bench, Diary) {
    let bench = Bench::new(Status::Open).await;
    bench.sandbox.apply_yaml(DEFINITIONS).await.unwrap();
    make_peering(&bench, "default").await;
    (bench, Diary::default())
}

async fn kept(running: Running) {
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_enters_itself_gives_signs_of_life_and_leaves() {
    let (bench, diary) = world().await;
    let operator = bench.start_with(handlers("a", &diary), settings(7)).await;
    let [(identity, entry)] = &*entries(&bench).await else {
        panic!("there is one entry");
    };
    assert!(identity.contains('@'), "{identity}");
    assert_eq!(
        (&entry["priority"], &entry["lifetime"]),
        (&json!(7), &json!(60))
    );
    let seen: Timestamp = entry["lastseen"].as_str().unwrap().parse().unwrap();
    sleep(Duration::from_secs(120)).await;
    let [(same, entry)] = &*entries(&bench).await else {
        panic!("there is one entry");
    };
    assert_eq!(same, identity);
    let last: Timestamp = entry["lastseen"].as_str().unwrap().parse().unwrap();
    assert!(last.duration_since(seen).as_secs() > 60);
    kept(operator).await;
    assert_eq!(entries(&bench).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_higher_priority_pauses_the_operator_until_it_is_gone() {
    let (bench, diary) = world().await;
    let low = bench.start_with(handlers("low", &diary), settings(0)).await;
    bench.create("early", json!({"size": 1})).await;
    until_said(&bench, &diary, "low created early").await;
    bench.until_handled("early").await;

    let high = bench
        .start_with(handlers("high", &diary), settings(5))
        .await;
    sleep(Duration::from_secs(1)).await;
    bench.create("between", json!({"size": 1})).await;
    until_said(&bench, &diary, "high created between").await;
    bench.merge("early", json!({"spec": {"size": 2}})).await;
    until_said(&bench, &diary, "high updated early").await;
    bench.until_handled("early").await;
    kept(high).await;

    bench.create("late", json!({"size": 1})).await;
    until_said(&bench, &diary, "low created late").await;
    bench.until_handled("late").await;
    sleep(Duration::from_secs(60)).await;
    kept(low).await;
    let mut said = diary.lock().unwrap().clone();
    said.sort();
    assert_eq!(
        said,
        [
            "high created between",
            "high resumed early",
            "high updated early",
            "low created early",
            "low created late",
            "low resumed between",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_gives_no_sign_of_life_is_dead_and_cleaned_up() {
    let (bench, diary) = world().await;
    let low = bench.start_with(handlers("low", &diary), settings(0)).await;
    let high = bench
        .start_with(handlers("high", &diary), settings(5))
        .await;
    high.kill().await;
    let killed = Instant::now();
    bench.create("a", json!({"size": 1})).await;
    until_said(&bench, &diary, "low created a").await;
    let took = killed.elapsed();
    assert!(
        took > Duration::from_secs(45) && took < Duration::from_secs(62),
        "{took:?}"
    );
    bench
        .until("the end of the entry", || async {
            entries(&bench).await.len() == 1
        })
        .await;
    kept(low).await;
}

#[tokio::test(start_paused = true)]
async fn operators_of_one_priority_all_pause() {
    let (bench, diary) = world().await;
    let first = bench.start_with(handlers("a", &diary), settings(3)).await;
    let second = bench.launch(handlers("b", &diary), settings(3));
    sleep(Duration::from_secs(2)).await;
    bench.create("x", json!({"size": 1})).await;
    sleep(Duration::from_secs(300)).await;
    assert!(diary.lock().unwrap().is_empty(), "{diary:?}");
    assert_eq!(entries(&bench).await.len(), 2);
    kept(second).await;
    until_said(&bench, &diary, "a created x").await;
    kept(first).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_there_already_goes_first_from_the_first_moment() {
    let (bench, diary) = world().await;
    bench.create("x", json!({"size": 1})).await;
    let lastseen = Timestamp::now().to_string();
    let entry = json!({"priority": 100, "lifetime": 30, "lastseen": lastseen});
    enter(&bench, "somebody", entry).await;
    let operator = bench.launch(handlers("a", &diary), settings(0));
    sleep(Duration::from_secs(20)).await;
    assert!(diary.lock().unwrap().is_empty(), "{diary:?}");
    let requests = bench.sandbox.journal().requests().resource("demos");
    let reads = requests.matching(|request| !request.is_write());
    assert!(reads.is_empty(), "{reads:?}");
    until_said(&bench, &diary, "a created x").await;
    kept(operator).await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_resumes_when_the_entry_that_has_frozen_it_is_removed() {
    let (bench, diary) = world().await;
    let operator = bench.start_with(handlers("a", &diary), settings(0)).await;
    let lastseen = || {
        let now = Timestamp::now() + Duration::from_secs(5);
        now.to_string()
    };
    // As it may have been written by hand, or by another version.
    let entry =
        json!({"priority": 100, "lifetime": "3600", "lastseen": lastseen(), "message": "soon"});
    enter(&bench, "admin@host", entry).await;
    sleep(Duration::from_secs(1)).await;
    bench.create("x", json!({"size": 1})).await;
    sleep(Duration::from_secs(200)).await;
    assert!(diary.lock().unwrap().is_empty(), "{diary:?}");
    enter(&bench, "admin@host", Value::Null).await;
    until_said(&bench, &diary, "a created x").await;
    kept(operator).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_peering_nothing_is_asked_for_and_one_that_comes_is_used() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let operator = bench.start_with(handlers("a", &diary), settings(0)).await;
    sleep(Duration::from_secs(120)).await;
    let requests = bench.sandbox.journal().requests();
    let asked = requests.matching(|request| request.path().contains("kopf.dev"));
    assert!(asked.is_empty(), "{asked:?}");
    bench.sandbox.apply_yaml(DEFINITIONS).await.unwrap();
    sleep(Duration::from_secs(30)).await;
    bench.create("x", json!({"size": 1})).await;
    until_said(&bench, &diary, "a created x").await;
    make_peering(&bench, "default").await;
    bench
        .until("the entry", || async { entries(&bench).await.len() == 1 })
        .await;
    kept(operator).await;
}

#[tokio::test(start_paused = true)]
async fn a_mandatory_peering_is_waited_for() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let mut mandatory = settings(0);
    mandatory.peering.mandatory = true;
    let operator = bench.launch(handlers("a", &diary), mandatory);
    bench.create("x", json!({"size": 1})).await;
    sleep(Duration::from_secs(60)).await;
    bench.sandbox.apply_yaml(DEFINITIONS).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert!(diary.lock().unwrap().is_empty(), "{diary:?}");
    make_peering(&bench, "default").await;
    until_said(&bench, &diary, "a created x").await;
    kept(operator).await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_stands_alone_takes_no_notice() {
    let (bench, diary) = world().await;
    enter(&bench, "somebody", json!({"priority": 100})).await;
    let mut alone = settings(0);
    alone.peering.standalone = true;
    let operator = bench.start_with(handlers("a", &diary), alone).await;
    bench.create("x", json!({"size": 1})).await;
    until_said(&bench, &diary, "a created x").await;
    assert_eq!(entries(&bench).await.len(), 1);
    kept(operator).await;
}

#[tokio::test(start_paused = true)]
async fn replicas_are_one_peer_and_the_leader_speaks_for_them() {
    let (bench, diary) = world().await;
    let replica = || {
        let mut settings = settings(0);
        settings.leader_election.enabled = true;
        settings.leader_election.lease_name = Some("demo".into());
        settings
    };
    let first = bench.start_with(handlers("a", &diary), replica()).await;
    let second = bench.launch(handlers("b", &diary), replica());
    sleep(Duration::from_secs(30)).await;
    let [(identity, _)] = &*entries(&bench).await else {
        panic!("there is one entry");
    };
    assert_eq!(identity, "default/demo");
    first.kill().await;
    bench.create("x", json!({"size": 1})).await;
    let since = Instant::now();
    until_said(&bench, &diary, "b created x").await;
    assert!(since.elapsed() < Duration::from_secs(20));
    kept(second).await;
}

#[tokio::test(start_paused = true)]
async fn operators_of_namespaces_meet_in_each_of_them() {
    let (bench, diary) = world().await;
    let peering = json!({
        "apiVersion": "kopf.dev/v1", "kind": "KopfPeering",
        "metadata": {"name": "default", "namespace": "default"},
        "status": {"somebody": {"priority": 100, "lifetime": 3600}},
    });
    let gvk = GroupVersionKind::gvk("kopf.dev", "v1", "KopfPeering");
    let api: Api<DynamicObject> = Api::namespaced_with(
        bench.client.clone(),
        "default",
        &ApiResource::from_gvk(&gvk),
    );
    let peering = serde_json::from_value(peering).unwrap();
    api.create(&PostParams::default(), &peering).await.unwrap();
    bench.create("x", json!({"size": 1})).await;
    let operator = Operator::builder()
        .registry(handlers("a", &diary))
        .namespace("default")
        .client(bench.client.clone())
        .stop_when(sleep(Duration::from_secs(600)));
    let operator = tokio::spawn(operator.build().unwrap().run());
    sleep(Duration::from_secs(120)).await;
    assert!(diary.lock().unwrap().is_empty(), "{diary:?}");
    let patch = ApiPatch::Merge(json!({"status": {"somebody": null}}));
    api.patch("default", &PatchParams::default(), &patch)
        .await
        .unwrap();
    until_said(&bench, &diary, "a created x").await;
    operator.await.unwrap().unwrap();
    let peering = api.get("default").await.unwrap();
    assert_eq!(peering.data["status"], json!({}));
}
