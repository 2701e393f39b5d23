//! Servers that are not well: watches that break, groups that do not answer, definitions that may
//! not be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderValue, Request, Response, header};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kopfrs::prelude::*;
use kube::api::{Api, DeleteParams, Patch as ApiPatch, PatchParams};
use kube::client::Body;
use tokio::time::sleep;

use crate::bench::{Bench, Demo, Status};
use crate::logs::Log;

/// A flag that a server and a test share.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self, is_on: bool) {
        self.0.store(is_on, Ordering::SeqCst);
    }
}

/// A server that answers some requests on its own.
pub(crate) async fn bench(
    answer: impl Fn(&mut Request<Body>) -> Option<Response<Body>> + Clone + Send + 'static,
) -> Bench {
    let bench = Bench::new(Status::Open).await;
    let inner = bench.client.clone();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        let inner = inner.clone();
        let answer = answer(&mut request);
        async move {
            match answer {
                Some(answer) => Ok(answer),
                None => inner.send(request).await,
            }
        }
    });
    Bench {
        client: kube::Client::new(service, "default"),
        ..bench
    }
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    let body = Body::from(format!("{body}\n").into_bytes());
    Response::builder().status(status).body(body).unwrap()
}

pub(crate) fn refusal(code: u16) -> Response<Body> {
    let status = json!({"kind": "Status", "status": "Failure", "message": "no", "code": code});
    answer(code, &status)
}

fn is_watch(request: &Request<Body>, plural: &str) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.uri().path().ends_with(plural) && query.contains("watch=true")
}

fn creating(bench: &Bench) -> Registry {
    Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()))
}

/// Failures count at once.
fn impatient() -> Settings {
    let mut settings = Settings::default();
    settings.networking.error_backoffs = Vec::new();
    settings
}

fn definitions(bench: &Bench) -> Api<CustomResourceDefinition> {
    Api::all(bench.client.clone())
}

/// Changes the definition, so that the operator looks at what is served.
async fn touch(bench: &Bench) {
    let label = json!({"metadata": {"labels": {"touched": "yes"}}});
    let label = ApiPatch::Merge(label);
    let params = PatchParams::default();
    let definitions = definitions(bench);
    let patched = definitions.patch("demos.example.com", &params, &label);
    patched.await.unwrap();
    sleep(Duration::from_secs(30)).await;
}

/// How often a watch is opened within a minute that is always answered so, and what is logged.
async fn attempts(plural: &'static str, body: Option<Value>, status: u16) -> (usize, Log) {
    let log = Log::start();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let bench = bench(move |request| {
        // In the end all is well, or a loop would hang the test.
        if !is_watch(request, plural) || counted.fetch_add(1, Ordering::SeqCst) > 1000 {
            return None;
        }
        let empty = || Response::new(Body::empty());
        Some(
            body.as_ref()
                .map_or_else(empty, |body| answer(status, body)),
        )
    })
    .await;
    let operator = Operator::builder()
        .registry(creating(&bench))
        .client(bench.client.clone())
        .stop_when(sleep(Duration::from_secs(60)))
        .cancel_when(std::future::pending());
    operator.build().unwrap().run().await.unwrap();
    (count.load(Ordering::SeqCst), log)
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_at_once_is_opened_again_with_growing_pauses() {
    let (count, log) = attempts("/demos", None, 200).await;
    assert_eq!((count, log.count("has failed")), (6, 1));
}

#[tokio::test(start_paused = true)]
async fn the_watch_of_definitions_has_growing_pauses_too() {
    let (count, _log) = attempts("/customresourcedefinitions", None, 200).await;
    assert_eq!(count, 6);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_too_old_as_soon_as_it_was_listed_is_a_failure() {
    let (count, log) = attempts("/demos", Some(json!({"code": 410})), 410).await;
    assert_eq!((count, log.count("has failed")), (6, 1));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_opens_and_breaks_is_logged_once() {
    let event = json!({"type": "ERROR", "object": {"code": 500, "message": "no"}});
    let (count, log) = attempts("/demos", Some(event), 200).await;
    assert_eq!((count, log.count("has failed")), (6, 1));
    assert_eq!(log.count("works again"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_is_renewed_without_a_word() {
    let log = Log::start();
    let bench = bench(|_| None).await;
    let mut settings = Settings::default();
    settings.watching.inactivity_timeout = Duration::from_secs(10);
    let running = bench.start_with(creating(&bench), settings).await;
    sleep(Duration::from_secs(100)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    let requests = bench.sandbox.journal().requests().resource("demos");
    assert!(requests.count("watch") >= 10);
    assert_eq!(requests.count("list"), 1);
    assert_eq!(log.count("failed") + log.count("works again"), 0);
}

/// A server that asks each group and version on its own, of which one may be down.
async fn bench_of_groups(is_down: &Switch) -> Bench {
    let is_down = is_down.clone();
    bench(move |request| {
        let plain = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, plain);
        let is_asked = request.uri().path() == "/apis/example.com/v1";
        (is_asked && is_down.is_on()).then(|| refusal(503))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn kinds_of_a_group_that_does_not_answer_are_still_served() {
    let is_down = Switch::default();
    let bench = bench_of_groups(&is_down).await;
    let running = bench.start_with(creating(&bench), impatient()).await;
    is_down.set(true);
    touch(&bench).await;
    bench.create("a", json!({"size": 1})).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.calls.names(), ["create/0"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn kinds_of_a_group_that_was_down_at_the_start_are_served_when_it_answers() {
    let is_down = Switch::default();
    is_down.set(true);
    let bench = bench_of_groups(&is_down).await;
    let running = bench.start_with(creating(&bench), impatient()).await;
    bench.create("a", json!({"size": 1})).await;
    sleep(Duration::from_secs(600)).await;
    assert!(bench.calls.names().is_empty());
    is_down.set(false);
    sleep(Duration::from_secs(61)).await;
    assert_eq!(bench.calls.names(), ["create/0"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn kinds_that_a_stale_document_leaves_out_are_still_served() {
    let (is_stale, told) = (Switch::default(), stale_document());
    let switch = is_stale.clone();
    let bench = bench(move |request| {
        let is_asked = request.uri().path() == "/apis" && switch.is_on();
        is_asked.then(|| answer(200, &told))
    })
    .await;
    let running = bench.start(creating(&bench)).await;
    is_stale.set(true);
    touch(&bench).await;
    bench.create("a", json!({"size": 1})).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.calls.names(), ["create/0"]);
    running.stop().await;
}

/// A server that does not tell of all that it serves for a while, as one that has just started; and an
/// operator that has looked meanwhile.
async fn bench_of_gaps(is_partial: &Switch) -> Bench {
    let switch = is_partial.clone();
    let told = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [],
    });
    bench(move |request| {
        let is_asked = request.uri().path() == "/apis" && switch.is_on();
        is_asked.then(|| answer(200, &told))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn kinds_that_are_defined_are_served_though_the_server_does_not_tell_of_them() {
    let (log, is_partial) = (Log::start(), Switch::default());
    let bench = bench_of_gaps(&is_partial).await;
    let resume = on::resume::<Demo>().id("resume").run(bench.noting());
    let running = bench.start(creating(&bench).add(resume)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    is_partial.set(true);
    touch(&bench).await;
    bench.create("b", json!({"size": 1})).await;
    bench.until_handled("b").await;
    is_partial.set(false);
    sleep(Duration::from_secs(120)).await;
    assert_eq!(bench.calls.names(), ["create/0", "create/0"], "found once");
    assert_eq!(log.count("is gone"), 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn kinds_of_which_a_server_tells_late_are_served_then() {
    let is_partial = Switch::default();
    is_partial.set(true);
    let bench = bench_of_gaps(&is_partial).await;
    let running = bench.start(creating(&bench)).await;
    bench.create("a", json!({"size": 1})).await;
    sleep(Duration::from_secs(600)).await;
    assert!(bench.calls.names().is_empty());
    is_partial.set(false);
    sleep(Duration::from_secs(61)).await;
    assert_eq!(bench.calls.names(), ["create/0"]);
    running.stop().await;
}

fn stale_document() -> Value {
    let version = json!({"version": "v1", "freshness": "Stale", "resources": []});
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "items": [{"metadata": {"name": "example.com"}, "versions": [version]}],
    })
}

#[tokio::test(start_paused = true)]
async fn handlers_end_with_the_kind_of_their_objects() {
    let bench = bench(|_| None).await;
    let ended = Switch::default();
    let noticed = ended.clone();
    let slow = bench.handler(move |_| {
        let ended = noticed.clone();
        async move {
            sleep(Duration::from_secs(100)).await;
            ended.set(true);
            Ok(())
        }
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(slow));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(1).await;
    let params = DeleteParams::default();
    let deleted = definitions(&bench);
    deleted.delete("demos.example.com", &params).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    bench.install(Status::Open).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(2).await;
    sleep(Duration::from_secs(60)).await;
    assert!(!ended.is_on(), "the first handler goes on");
    bench.until_handled("a").await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_permission_for_definitions_one_look_a_minute_is_enough() {
    let log = Log::start();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = looks.clone();
    let bench = bench(move |request| {
        let path = request.uri().path();
        counted.fetch_add(usize::from(path == "/apis"), Ordering::SeqCst);
        let is_definition = path.contains("customresourcedefinitions");
        is_definition.then(|| refusal(403))
    })
    .await;
    let running = bench.start(creating(&bench)).await;
    sleep(Duration::from_secs(600)).await;
    running.stop().await;
    let looks = looks.load(Ordering::SeqCst);
    assert!((10..=11).contains(&looks), "{looks}");
    assert_eq!(log.count("may not be watched"), 1);
    assert_eq!(log.count("cannot be read"), 1);
}

#[tokio::test(start_paused = true)]
async fn state_stays_in_its_place_while_the_schema_cannot_be_read() {
    let is_refused = Switch::default();
    let switch = is_refused.clone();
    let bench = bench(move |request| {
        let is_schema = request.uri().path().ends_with("/demos.example.com");
        let is_read = is_schema && request.method() == http::Method::GET;
        (is_read && switch.is_on()).then(|| refusal(403))
    })
    .await;
    let running = bench.start(creating(&bench)).await;
    is_refused.set(true);
    touch(&bench).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    let object = bench.get("a").await.unwrap();
    assert!(object["status"]["handling"].is_object(), "{object}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_version_that_becomes_too_old_while_it_is_watched_is_no_failure() {
    let log = Log::start();
    let is_first = Arc::new(AtomicBool::new(true));
    let bench = bench(move |request| {
        let is_broken = is_watch(request, "/demos") && is_first.swap(false, Ordering::SeqCst);
        let bookmark = json!({"metadata": {"resourceVersion": "999999"}});
        let bookmark = json!({"type": "BOOKMARK", "object": bookmark});
        let expired = json!({"type": "ERROR", "object": {"code": 410, "message": "too old"}});
        let lines = Body::from(format!("{bookmark}\n{expired}\n").into_bytes());
        is_broken.then(|| Response::new(lines))
    })
    .await;
    let running = bench.start(creating(&bench)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    let requests = bench.sandbox.journal().requests().resource("demos");
    assert_eq!(requests.count("list"), 2);
    assert_eq!(log.count("failed"), 0);
}
