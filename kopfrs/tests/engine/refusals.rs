//! An API that refuses, for a while or for good, what some handler wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kopfrs::prelude::*;
use kube::api::{Api, DynamicObject, Patch as ApiPatch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use tokio::sync::Notify;

use crate::bench::{Bench, Demo, Status};

mod typed {
    use kopfrs::prelude::*;

    use crate::bench::{Demo, DemoSpec};

    #[on::create(Demo)]
    async fn create(spec: DemoSpec) {
        let _ = spec.size;
    }
}

async fn bench_answering(
    code: u16,
    is_refused: impl Fn(&http::Request<kube::client::Body>) -> bool + Clone + Send + 'static,
) -> Bench {
    let bench = Bench::new(Status::Open).await;
    let inner = bench.client.clone();
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let inner = inner.clone();
        let refused = is_refused(&request);
        async move {
            if refused {
                let text = format!(
                    r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"no","reason":"No","code":{code}}}"#
                );
                return Ok(http::Response::builder()
                    .status(code)
                    .header("content-type", "application/json")
                    .body(kube::client::Body::from(text.into_bytes()))
                    .unwrap());
            }
            inner.send(request).await
        }
    });
    Bench {
        client: kube::Client::new(service, "default"),
        ..bench
    }
}

#[tokio::test(start_paused = true)]
async fn a_misfit_corrected_while_another_handler_runs_is_handled() {
    let bench = Bench::new(Status::Open).await;
    let go_on = Arc::new(Notify::new());
    let waiting = go_on.clone();
    let slow = bench.handler(move |call| {
        let go_on = waiting.clone();
        async move {
            go_on.notified().await;
            call.cause.patch.status(json!({"slow": "done"}));
            Ok(())
        }
    });
    let registry = Registry::module(concat!(module_path!(), "::typed"))
        .add(on::create::<Demo>().id("slow").run(slow));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": "large"})).await;
    bench.until_calls(1).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    go_on.notify_one();
    bench.until_handled("a").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_wants_survives_an_api_that_refuses_everything_for_a_while() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let bench = bench_answering(422, move |request| {
        request.method() == http::Method::PATCH && counted.fetch_add(1, Ordering::SeqCst) < 2
    })
    .await;
    let create = bench.handler(|call| {
        call.cause.patch.status(json!({"phase": "created"}));
        std::future::ready(Ok(()))
    });
    let _running = bench
        .start(Registry::new().add(on::create::<Demo>().id("create").run(create)))
        .await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    assert!(count.load(Ordering::SeqCst) > 2);
    assert_eq!(bench.get("a").await.unwrap()["status"]["phase"], "created");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_not_found_for_a_while_is_served_again() {
    let is_off = Arc::new(AtomicBool::new(false));
    let off = is_off.clone();
    let bench = bench_answering(404, move |request| {
        request.uri().path().contains("/demos/a") && off.load(Ordering::SeqCst)
    })
    .await;
    let registry = Registry::new()
        .add(on::create::<Demo>().id("create").run(bench.noting()))
        .add(on::update::<Demo>().id("update").run(bench.noting()))
        .add(on::delete::<Demo>().id("delete").run(bench.noting()));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    is_off.store(true, Ordering::SeqCst);
    let gvk = GroupVersionKind::gvk("example.com", "v1", "Demo");
    let api: Api<DynamicObject> = Api::namespaced_with(
        bench.sandbox.client(),
        "default",
        &ApiResource::from_gvk(&gvk),
    );
    let patch = ApiPatch::Merge(json!({"spec": {"size": 2}}));
    api.patch("a", &PatchParams::default(), &patch)
        .await
        .unwrap();
    bench.until_calls(2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    is_off.store(false, Ordering::SeqCst);
    bench.merge("a", json!({"spec": {"size": 3}})).await;
    bench.until_handled("a").await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_patch_of_an_event_handler_does_not_keep_the_object_from_being_handled() {
    let bench = Bench::new(Status::Open).await;
    let registry = Registry::new()
        .add(on::event::<Demo>().id("event").run(
            |call: Arc<kopfrs::handler::Invocation<kopfrs::cause::WatchingCause>>| {
                call.cause.patch.label("wanted", "not valid!");
                std::future::ready({
                    let done: Result<()> = Ok(());
                    done
                })
            },
        ))
        .add(on::create::<Demo>().id("create").run(bench.noting()));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
}
