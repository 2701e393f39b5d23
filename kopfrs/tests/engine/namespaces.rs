//! Namespaces by name, pattern and exclusion, which come and go while the operator runs.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use k8s_openapi::api::core::v1::Namespace;
use kopfrs::prelude::*;
use kube::api::{Api, DeleteParams, DynamicObject, PostParams};
use kube::client::Body;
use kube::core::{ApiResource, GroupVersionKind};
use tokio::time::sleep;

use crate::bench::{Bench, Demo, Running, Status};

fn demos(bench: &Bench, namespace: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("example.com", "v1", "Demo");
    let client = bench.sandbox.client();
    Api::namespaced_with(client, namespace, &ApiResource::from_gvk(&gvk))
}

async fn create_in(bench: &Bench, namespace: &str, name: &str) {
    let object = json!({
        "apiVersion": "example.com/v1", "kind": "Demo", "metadata": {"name": name}, "spec": {"size": 1},
    });
    let object = serde_json::from_value(object).unwrap();
    let params = PostParams::default();
    demos(bench, namespace)
        .create(&params, &object)
        .await
        .unwrap();
}

async fn create_namespace(bench: &Bench, name: &str) {
    let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    let namespaces: Api<Namespace> = Api::all(bench.sandbox.client());
    let params = PostParams::default();
    namespaces.create(&params, &namespace).await.unwrap();
}

/// Deletes a namespace, and waits until it is gone.
async fn delete_namespace(bench: &Bench, name: &str) {
    let namespaces: Api<Namespace> = Api::all(bench.sandbox.client());
    let params = DeleteParams::default();
    namespaces.delete(name, &params).await.unwrap();
    bench
        .until("the end of the namespace", || async {
            namespaces.get_opt(name).await.unwrap().is_none()
        })
        .await;
}

async fn start_in(bench: &Bench, registry: Registry, patterns: &[&str]) -> Running {
    let builder = Operator::builder().registry(registry);
    let builder = patterns.iter().fold(builder, |b, p| b.namespace(*p));
    bench.start_built(builder).await
}

/// The objects that handlers were called for, sorted.
fn called(bench: &Bench) -> Vec<String> {
    let mut names: Vec<_> = bench
        .calls
        .all()
        .into_iter()
        .map(|call| call.name)
        .collect();
    names.sort();
    names
}

fn creating(bench: &Bench) -> Registry {
    Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()))
}

/// A bench whose operator's requests are seen, and some of them refused with a status.
async fn bench_refusing(
    refuse: impl Fn(&Request<Body>) -> Option<u16> + Clone + Send + 'static,
) -> Bench {
    Bench::new(Status::Open).await.refusing(refuse)
}

#[tokio::test(start_paused = true)]
async fn namespaces_are_served_that_match_as_they_come_and_go() {
    let bench = Bench::new(Status::Open).await;
    for name in ["team-a", "team-x", "other"] {
        create_namespace(&bench, name).await;
        create_in(&bench, name, &format!("{name}-before")).await;
    }
    let running = start_in(&bench, creating(&bench), &["team-*", "!team-x"]).await;
    bench.until_calls(1).await;
    create_namespace(&bench, "team-b").await;
    create_namespace(&bench, "other-b").await;
    for name in ["team-a", "team-b", "team-x", "other", "other-b"] {
        create_in(&bench, name, &format!("{name}-after")).await;
    }
    bench.until_calls(3).await;
    delete_namespace(&bench, "team-b").await;
    sleep(Duration::from_secs(60)).await;
    create_namespace(&bench, "team-b").await;
    create_in(&bench, "team-b", "team-b-again").await;
    bench.until_calls(4).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(
        called(&bench),
        [
            "team-a-after",
            "team-a-before",
            "team-b-after",
            "team-b-again"
        ]
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn deletion_handlers_run_before_their_namespace_goes() {
    let bench = Bench::new(Status::Open).await;
    create_namespace(&bench, "team-a").await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let delete = bench.handler(move |_| {
        let is_first = counted.fetch_add(1, Ordering::SeqCst) < 2;
        std::future::ready(if is_first {
            Err(TemporaryError::after_secs("not yet", 30).into())
        } else {
            Ok(())
        })
    });
    let registry = Registry::new().add(on::delete::<Demo>().id("delete").run(delete));
    let running = start_in(&bench, registry, &["team-?"]).await;
    create_in(&bench, "team-a", "a").await;
    bench
        .until("the finalizer", || async {
            let object = demos(&bench, "team-a").get("a").await.unwrap();
            object.metadata.finalizers.is_some()
        })
        .await;
    delete_namespace(&bench, "team-a").await;
    assert_eq!(bench.calls.names(), ["delete/0", "delete/1", "delete/2"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_on_in_a_namespace_that_is_gone() {
    let bench = Bench::new(Status::Open).await;
    create_namespace(&bench, "team-a").await;
    let create = bench.handler(|_| {
        let error = TemporaryError::after_secs("never", 10);
        std::future::ready(Err(error.into()))
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(create));
    let running = start_in(&bench, registry, &["*", "!default"]).await;
    create_in(&bench, "team-a", "a").await;
    bench.until_calls(2).await;
    delete_namespace(&bench, "team-a").await;
    let calls = bench.calls.all().len();
    bench.sandbox.journal().clear();
    sleep(Duration::from_secs(120)).await;
    assert_eq!(bench.calls.all().len(), calls);
    let requests = bench.sandbox.journal().requests();
    let in_namespace = requests
        .iter()
        .filter(|request| request.path().contains("/team-a"));
    assert_eq!(in_namespace.count(), 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn plain_names_are_served_without_a_look_at_namespaces() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let bench = bench_refusing(move |request| {
        let is_asked = request.uri().path() == "/api/v1/namespaces";
        is_asked.then(|| counted.fetch_add(1, Ordering::SeqCst));
        is_asked.then_some(403)
    })
    .await;
    let running = start_in(&bench, creating(&bench), &["later,default"]).await;
    create_in(&bench, "default", "a").await;
    create_namespace(&bench, "later").await;
    create_in(&bench, "later", "b").await;
    bench.until_calls(2).await;
    assert_eq!(called(&bench), ["a", "b"]);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_watch_namespaces_plain_names_are_served_until_it_comes() {
    let (is_granted, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (granted, counted) = (is_granted.clone(), asked.clone());
    let bench = bench_refusing(move |request| {
        let is_refused =
            request.uri().path() == "/api/v1/namespaces" && !granted.load(Ordering::SeqCst);
        is_refused.then(|| counted.fetch_add(1, Ordering::SeqCst));
        is_refused.then_some(403)
    })
    .await;
    create_namespace(&bench, "team-a").await;
    create_in(&bench, "team-a", "a").await;
    create_in(&bench, "default", "b").await;
    let running = start_in(&bench, creating(&bench), &["default,team-*"]).await;
    bench.until_calls(1).await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(called(&bench), ["b"]);
    let asked = asked.load(Ordering::SeqCst);
    assert!((9..=12).contains(&asked), "{asked}");
    is_granted.store(true, Ordering::SeqCst);
    bench.until_calls(2).await;
    assert_eq!(called(&bench), ["a", "b"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_fails_in_one_namespace_delays_no_other() {
    let bench = bench_refusing(|request| {
        let is_refused = request.uri().path().ends_with("/namespaces/team-a/demos");
        is_refused.then_some(403)
    })
    .await;
    create_namespace(&bench, "team-a").await;
    create_namespace(&bench, "team-b").await;
    create_in(&bench, "team-a", "a").await;
    create_in(&bench, "team-b", "b").await;
    let builder = Operator::builder()
        .registry(creating(&bench))
        .client(bench.client.clone())
        .namespace("team-*")
        .stop_when(sleep(Duration::from_secs(5)));
    builder.build().unwrap().run().await.unwrap();
    assert_eq!(called(&bench), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_went_during_an_outage_is_noticed() {
    let is_down = Arc::new(AtomicBool::new(false));
    let down = is_down.clone();
    let bench = bench_refusing(move |request| {
        let is_asked = request.uri().path() == "/api/v1/namespaces";
        (is_asked && down.load(Ordering::SeqCst)).then_some(410)
    })
    .await;
    create_namespace(&bench, "team-a").await;
    create_namespace(&bench, "team-b").await;
    let mut settings = Settings::default();
    settings.watching.server_timeout = Duration::from_secs(20);
    let builder = Operator::builder()
        .registry(creating(&bench))
        .settings(settings);
    let running = bench.start_built(builder.namespace("team-*")).await;
    is_down.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(60)).await;
    delete_namespace(&bench, "team-a").await;
    is_down.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(60)).await;
    bench.sandbox.journal().clear();
    sleep(Duration::from_secs(60)).await;
    let requests = bench.sandbox.journal().requests();
    let watches = |namespace: &str| {
        let path = format!("/namespaces/{namespace}/demos");
        requests
            .iter()
            .filter(|r| r.path().ends_with(&path))
            .count()
    };
    assert_eq!(watches("team-a"), 0);
    assert!(watches("team-b") > 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_the_metadata_of_namespaces_and_definitions_is_read() {
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let noted = accepted.clone();
    let bench = bench_refusing(move |request| {
        let path = request.uri().path();
        if path == "/api/v1/namespaces" || path.ends_with("/customresourcedefinitions") {
            let accept = request.headers()[http::header::ACCEPT].to_str().unwrap();
            noted.lock().unwrap().push(accept.to_owned());
        }
        None
    })
    .await;
    let running = start_in(&bench, creating(&bench), &["def*"]).await;
    create_in(&bench, "default", "a").await;
    bench.until_calls(1).await;
    let accepted = accepted.lock().unwrap().clone();
    assert_eq!(
        accepted.len(),
        4,
        "a list and a watch of each: {accepted:?}"
    );
    assert!(
        accepted
            .iter()
            .all(|accept| accept.contains("PartialObjectMetadata"))
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn with_scanning_disabled_only_what_is_there_at_the_start_is_served() {
    let bench = Bench::new(Status::Open).await;
    create_namespace(&bench, "team-a").await;
    let mut settings = Settings::default();
    settings.scanning.disabled = true;
    let builder = Operator::builder()
        .registry(creating(&bench))
        .settings(settings);
    let running = bench.start_built(builder.namespace("team-*")).await;
    create_namespace(&bench, "team-b").await;
    create_in(&bench, "team-b", "b").await;
    create_in(&bench, "team-a", "a").await;
    bench.until_calls(1).await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(called(&bench), ["a"]);
    let requests = bench.sandbox.journal().requests();
    for plural in ["namespaces", "customresourcedefinitions"] {
        assert_eq!(requests.resource(plural).verb("watch").iter().count(), 0);
    }
    running.stop().await;
}
