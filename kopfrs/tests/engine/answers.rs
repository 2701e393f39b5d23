//! Answers that are unusual and right, or come late: nobody is lost over them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::settings::InitialListing;
use kopfrs_sandbox::fault::{Fault, On, Rule, StreamFault};
use kube::api::{Api, DynamicObject, PostParams};
use kube::client::Body;
use kube::core::{ApiResource, GroupVersionKind};
use tokio::time::sleep;

use crate::bench::{Bench, Demo, Status};

/// A kind whose objects have anything at their top.
const ODD: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: odds.odd.example.com}
spec:
  group: odd.example.com
  scope: Namespaced
  names: {kind: Odd, plural: odds, singular: odd}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

fn creating(bench: &Bench) -> Registry {
    Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()))
}

fn creating_odd(bench: &Bench) -> Registry {
    let selector = Selector::name("odds").unwrap();
    creating(bench).add(on::create_of(selector).id("odd").run(bench.noting()))
}

/// Creates an object of the odd kind.
async fn create_odd(bench: &Bench, extra: Value) {
    let gvk = GroupVersionKind::gvk("odd.example.com", "v1", "Odd");
    let client = bench.sandbox.client();
    let api: Api<DynamicObject> =
        Api::namespaced_with(client, "default", &ApiResource::from_gvk(&gvk));
    let mut object =
        json!({"apiVersion": "odd.example.com/v1", "kind": "Odd", "metadata": {"name": "odd"}});
    for (key, value) in extra.as_object().unwrap() {
        object[key] = value.clone();
    }
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

/// A bench whose answers are changed on their way: method and URI, and the body.
fn editing(
    bench: Bench,
    edit: impl Fn(&str, &mut Value) -> bool + Clone + Send + Sync + 'static,
) -> Bench {
    let inner = bench.client.clone();
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (inner, edit) = (inner.clone(), edit.clone());
        async move {
            let uri = request.uri().to_string();
            let is_watch = uri.contains("watch=true");
            let response = inner.send(request).await?;
            if is_watch || !response.status().is_success() {
                return Ok::<_, kube::Error>(response);
            }
            let (parts, body) = response.into_parts();
            let bytes = body.collect_bytes().await.unwrap();
            let mut value: Value = serde_json::from_slice(&bytes).unwrap();
            let text = if edit(&uri, &mut value) {
                value.to_string().into_bytes()
            } else {
                bytes.to_vec()
            };
            let mut response = http::Response::new(Body::from(text));
            *response.status_mut() = parts.status;
            Ok(response)
        }
    });
    Bench {
        client: kube::Client::new(service, "default"),
        ..bench
    }
}

#[tokio::test(start_paused = true)]
async fn fields_that_are_called_as_those_of_errors_are_fields_like_others() {
    let bench = Bench::new(Status::Open).await;
    bench.sandbox.apply_yaml(ODD).await.unwrap();
    create_odd(&bench, json!({"code": "A1", "message": {"text": "hello"}})).await;
    let running = bench.start(creating_odd(&bench)).await;
    bench.until_calls(1).await;
    assert_eq!(bench.calls.names(), ["odd/0"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_may_be_null() {
    let bench = editing(Bench::new(Status::Open).await, |uri, answer| {
        let is_list = uri.contains("/demos?") && answer["items"] == json!([]);
        if is_list {
            answer["items"] = Value::Null;
        }
        is_list
    });
    let running = bench.launch(creating(&bench), Settings::default());
    sleep(Duration::from_secs(1)).await;
    bench.create("a", json!({"size": 1})).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.calls.names(), ["create/0"]);
    let requests = bench.sandbox.journal().requests().resource("demos");
    let lists =
        requests.matching(|request| request.verb() == "list" && request.query().contains("limit"));
    assert_eq!(lists.len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_writes_null_for_its_lists_hides_no_other() {
    let bench = Bench::new(Status::Open).await;
    bench.sandbox.apply_yaml(ODD).await.unwrap();
    let bench = editing(bench, |uri, answer| {
        let Some(groups) = answer["items"].as_array_mut().filter(|_| uri == "/apis") else {
            return false;
        };
        for group in groups {
            if group["metadata"]["name"] == "odd.example.com" {
                group["versions"][0]["resources"][0]["verbs"] = Value::Null;
            }
        }
        true
    });
    let running = bench.launch(creating(&bench), Settings::default());
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(1).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_comes_to_its_end_is_begun_anew_with_growing_pauses() {
    let bench = Bench::new(Status::Open).await;
    for number in 0..150 {
        bench
            .create(&format!("demo-{number}"), json!({"size": 1}))
            .await;
    }
    let second = On::verb("list")
        .resource("demos")
        .when(|r| r.query().contains("continue="));
    let faults = bench.sandbox.faults();
    let late = Duration::from_secs(2);
    faults.inject(Rule::new(second.clone(), Fault::delay(late)));
    let rule = faults.inject(Rule::new(second, Fault::garbage()));
    let running = bench.launch(creating(&bench), Settings::default());
    sleep(Duration::from_secs(600)).await;
    assert!((5..30).contains(&rule.hits()), "{} lists", rule.hits());
    rule.remove();
    bench.until_calls(150).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_served_late_is_found_though_another_was_found_before() {
    let is_late = Arc::new(AtomicBool::new(true));
    let switch = is_late.clone();
    let bench = Bench::new(Status::Open).await;
    let bench = editing(bench, move |uri, answer| {
        let is_hidden = uri == "/apis" && switch.load(Ordering::SeqCst);
        if is_hidden {
            let groups = answer["items"].as_array_mut().unwrap();
            groups.retain(|group| group["metadata"]["name"] != "odd.example.com");
        }
        is_hidden
    });
    let definitions = On::any().resource("customresourcedefinitions");
    let other = Selector::name("others").unwrap();
    let registry = creating_odd(&bench).add(on::create_of(other).id("other").run(bench.noting()));
    let running = bench.start(registry).await;

    // Both come while definitions are not watched: there is but one hint of them.
    let outage = bench.sandbox.faults().inject(Rule::new(
        On::any()
            .resource("customresourcedefinitions")
            .when(|r| r.query().contains("watch") || r.query().contains("limit=1")),
        Fault::status(500),
    ));
    bench
        .sandbox
        .faults()
        .strike(&definitions, StreamFault::Break);
    bench.sandbox.apply_yaml(ODD).await.unwrap();
    let another = ODD.replace("odd", "other").replace("Odd", "Other");
    bench.sandbox.apply_yaml(&another).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    outage.remove();
    let watched = |plural: &str| {
        bench
            .sandbox
            .journal()
            .requests()
            .resource(plural)
            .count("watch")
    };
    bench
        .until("the first kind", || async { watched("others") > 0 })
        .await;
    sleep(Duration::from_secs(1)).await;
    is_late.store(false, Ordering::SeqCst);
    create_odd(&bench, json!({})).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.calls.names(), ["odd/0"]);
    running.stop().await;
}

/// How often definitions have been listed.
fn lists(bench: &Bench) -> usize {
    let requests = bench.sandbox.journal().requests();
    requests.resource("customresourcedefinitions").count("list")
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_comes_with_the_right_on_definitions_is_found() {
    let bench = Bench::new(Status::Open).await;
    let definitions = || On::verbs(["list", "watch"]).resource("customresourcedefinitions");
    let faults = bench.sandbox.faults();
    let running = bench.start(creating_odd(&bench)).await;
    sleep(Duration::from_secs(5)).await;
    let refused = faults.inject(Rule::new(definitions(), Fault::status(403)));
    faults.strike(&definitions(), StreamFault::End);
    sleep(Duration::from_secs(30)).await;
    faults.inject(Rule::new(
        definitions(),
        Fault::delay(Duration::from_secs(5)),
    ));
    let before = lists(&bench);
    refused.remove();
    // The look at what is served is over, the watch has not begun.
    bench
        .until("the next look", || async { lists(&bench) > before })
        .await;
    bench.sandbox.apply_yaml(ODD).await.unwrap();
    create_odd(&bench, json!({})).await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.calls.names(), ["odd/0"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn where_a_stream_has_no_end_of_the_list_objects_come_in_pages() {
    let bench = Bench::new(Status::Open).await;
    bench.create("a", json!({"size": 1})).await;
    let inner = bench.client.clone();
    let streams = Arc::new(AtomicUsize::new(0));
    let counted = streams.clone();
    // An old server takes no notice of what it does not know.
    let service = tower::service_fn(move |mut request: http::Request<Body>| {
        let (inner, counted) = (inner.clone(), counted.clone());
        async move {
            let uri = request.uri().to_string();
            if let Some((known, _)) = uri.split_once("&sendInitialEvents") {
                counted.fetch_add(1, Ordering::SeqCst);
                *request.uri_mut() = known.parse().unwrap();
            }
            inner.send(request).await
        }
    });
    let bench = Bench {
        client: kube::Client::new(service, "default"),
        ..bench
    };
    let mut settings = Settings::default();
    settings.watching.initial_listing = InitialListing::Streamed;
    let ready = Arc::new(AtomicBool::new(false));
    let noted = ready.clone();
    let operator = Operator::builder()
        .registry(creating(&bench))
        .settings(settings)
        .client(bench.client.clone())
        .on_ready(move |_| noted.store(true, Ordering::SeqCst))
        .stop_when(sleep(Duration::from_secs(600)))
        .cancel_when(std::future::pending());
    operator.build().unwrap().run().await.unwrap();
    assert_eq!(bench.calls.names(), ["create/0"]);
    assert_eq!(streams.load(Ordering::SeqCst), 1);
    assert!(ready.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_ages_holds_nobody_else_up() {
    let bench = Bench::new(Status::Open).await;
    let late = bench.handler(|call| async move {
        if call.cause.body.name() == "patient" {
            return Err(TemporaryError::new("later", Duration::MAX).into());
        }
        Ok(())
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(late));
    let running = bench.start(registry).await;
    bench.create("patient", json!({"size": 1})).await;
    bench.until_calls(1).await;
    sleep(Duration::from_secs(10)).await;
    bench.create("other", json!({"size": 1})).await;
    bench.until_handled("other").await;
    bench.delete("patient").await;
    bench.until_gone("patient").await;
    running.stop().await;
}
