//! What goes wrong at the worst moment: objects replaced, changes taken back, filters that panic.

use std::sync::Arc;
use std::time::Duration;

use kopfrs::prelude::*;
use tokio::sync::Notify;

use crate::bench::{Bench, Demo, Status, memory};

fn failing_once(
    bench: &Bench,
) -> impl Fn(Arc<kopfrs::handler::Invocation<ChangingCause>>) -> std::future::Ready<Result<()>>
+ Clone
+ Send
+ Sync
+ 'static {
    bench.handler(|call| {
        let is_first = call.attempt.retry == 0;
        std::future::ready(if is_first {
            Err(TemporaryError::after_secs("not yet", 30).into())
        } else {
            Ok(())
        })
    })
}

mod typed {
    use kopfrs::prelude::*;

    use crate::bench::{Demo, DemoSpec};

    #[on::create(Demo)]
    async fn create(spec: DemoSpec) {
        let _ = spec.size;
    }

    #[on::update(Demo)]
    async fn update(old: DemoSpec, new: DemoSpec) {
        let _ = (old.size, new.size);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_same_name_is_another_one() {
    let bench = Bench::new(Status::Open).await;
    let go_on = Arc::new(Notify::new());
    let waiting = go_on.clone();
    let slow = bench.handler(move |call| {
        let go_on = waiting.clone();
        async move {
            if call.cause.body.spec()["size"] == 1 {
                go_on.notified().await;
                call.cause.patch.status(json!({"of": 1}));
            } else {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    });
    let registry = Registry::new()
        .add(on::create::<Demo>().id("create").run(slow))
        .add(on::update::<Demo>().id("update").run(bench.noting()));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(1).await;
    bench.delete("a").await;
    bench.create("a", json!({"size": 2})).await;
    bench.until_calls(2).await;
    go_on.notify_one();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let object = bench.get("a").await.unwrap();
    assert_eq!(
        (
            bench.calls.names(),
            memory(&object),
            &object["status"]["of"]
        ),
        (
            vec!["create/0".into(), "create/0".into()],
            None,
            &Value::Null
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_taken_back_is_told_to_whom_has_seen_it() {
    let bench = Bench::new(Status::Open).await;
    let registry = Registry::new()
        .add(on::update::<Demo>().id("quick").run(bench.noting()))
        .add(on::update::<Demo>().id("retried").run(failing_once(&bench)));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 0})).await;
    bench.until_handled("a").await;
    bench.merge("a", json!({"spec": {"size": 1}})).await;
    bench.until_calls(2).await;
    bench.merge("a", json!({"spec": {"size": 0}})).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let quick: Vec<_> = bench
        .calls
        .all()
        .into_iter()
        .filter(|c| c.handler == "quick")
        .map(|c| c.new["size"].clone())
        .collect();
    assert_eq!(quick, [json!(1), json!(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_misfit_that_was_corrected_is_handled() {
    let bench = Bench::new(Status::Open).await;
    let registry = Registry::module(concat!(module_path!(), "::typed"));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": "large"})).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    for size in 2..3 {
        bench.merge("a", json!({"spec": {"size": size}})).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let object = bench.get("a").await.unwrap();
    assert_eq!(memory(&object).unwrap()["spec"], object["spec"]);
}

#[tokio::test(start_paused = true)]
async fn resume_is_called_once() {
    let bench = Bench::new(Status::Open).await;
    let running = bench
        .start(Registry::new().add(on::create::<Demo>().id("create").run(bench.noting())))
        .await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    bench.calls.clear();
    let registry = Registry::new()
        .add(on::resume::<Demo>().id("quick").run(bench.noting()))
        .add(on::resume::<Demo>().id("retried").run(failing_once(&bench)));
    let _running = bench.start(registry).await;
    bench.until_calls(2).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    bench.until_handled("a").await;
    assert_eq!(bench.calls.names(), ["quick/0", "retried/0", "retried/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_event_filter_stops_no_other_handler() {
    let bench = Bench::new(Status::Open).await;
    let fragile = |_: &WatchingCause| -> bool { panic!("on purpose") };
    let registry = Registry::new()
        .add(
            on::event::<Demo>()
                .id("event")
                .when(fragile)
                .run(|| async {}),
        )
        .add(on::create::<Demo>().id("create").run(bench.noting()));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.calls.names(), ["create/0"]);
}

#[tokio::test(start_paused = true)]
async fn a_status_endpoint_that_goes_loses_nothing() {
    let bench = Bench::new(Status::Open).await;
    let go_on = Arc::new(Notify::new());
    let waiting = go_on.clone();
    let slow = bench.handler(move |_| {
        let go_on = waiting.clone();
        async move {
            go_on.notified().await;
            Ok(())
        }
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(slow));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(1).await;
    let definitions: kube::api::Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        kube::api::Api::all(bench.client.clone());
    let patch = json!({"spec": {"versions": [{
        "name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
    }]}});
    definitions
        .patch(
            "demos.example.com",
            &kube::api::PatchParams::default(),
            &kube::api::Patch::Merge(patch),
        )
        .await
        .unwrap();
    go_on.notify_one();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(
        memory(&bench.get("a").await.unwrap()).is_some(),
        "handled: {:?}",
        bench.calls.names()
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_begins_nothing_new() {
    let bench = Bench::new(Status::Open).await;
    let go_on = Arc::new(Notify::new());
    let waiting = go_on.clone();
    let slow = move |_: RawEvent| {
        let go_on = waiting.clone();
        async move { go_on.notified().await }
    };
    for i in 0..300 {
        bench.create(&format!("a{i}"), json!({"size": 1})).await;
    }
    let _ = slow;
    let mark = bench.sandbox.journal().mark();
    let registry = Registry::new()
        .add(
            on::create::<Demo>()
                .id("create")
                .run(bench.handler(|_| std::future::pending())),
        )
        .add(on::delete::<Demo>().id("delete").run(bench.noting()));
    let running = bench.start(registry).await;
    bench.until_calls(1).await;
    let before = bench.sandbox.journal().since(mark).writes().iter().count();
    let mark = bench.sandbox.journal().mark();
    running.stop().await;
    let after = bench.sandbox.journal().since(mark).writes().iter().count();
    assert!(after <= 64, "{before} {after}");
}

#[tokio::test(start_paused = true)]
async fn failing_writes_of_some_delay_no_other() {
    let bench = Bench::new(Status::Open).await;
    let inner = bench.client.clone();
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let inner = inner.clone();
        let fails =
            request.method() == http::Method::PATCH && request.uri().path().contains("/bad");
        async move {
            if fails {
                let body = br#"{"kind":"Status","apiVersion":"v1","status":"Failure","code":500,"reason":"InternalError","message":"webhook"}"#.to_vec();
                return Ok::<_, kube::Error>(
                    http::Response::builder()
                        .status(500)
                        .body(kube::client::Body::from(body))
                        .unwrap(),
                );
            }
            inner.send(request).await
        }
    });
    for i in 0..500 {
        bench.create(&format!("bad{i}"), json!({"size": 1})).await;
    }
    let bench = Bench {
        client: kube::Client::new(service, "default"),
        ..bench
    };
    let registry = Registry::new()
        .add(on::create::<Demo>().id("create").run(bench.noting()))
        .add(on::delete::<Demo>().id("delete").run(bench.noting()));
    let _running = bench.start(registry).await;
    bench.create("good", json!({"size": 1})).await;
    let since = tokio::time::Instant::now();
    bench.until_calls(1).await;
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_panicking_filter_does_not_keep_an_object() {
    let bench = Bench::new(Status::Open).await;
    let fragile = |cause: &ChangingCause| cause.body.spec()["size"].as_u64().unwrap() > 0;
    let registry = Registry::new()
        .add(
            on::update::<Demo>()
                .id("update")
                .when(fragile)
                .run(bench.noting()),
        )
        .add(on::delete::<Demo>().id("delete").run(bench.noting()));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    bench.merge("a", json!({"spec": {"size": "x"}})).await;
    bench.delete("a").await;
    bench.until_gone("a").await;
}

#[tokio::test(start_paused = true)]
async fn a_panicking_transformation_loses_no_other_change() {
    let bench = Bench::new(Status::Open).await;
    let bad = bench.handler(|call| {
        call.cause.patch.transform(|_| panic!("on purpose"));
        std::future::ready(Ok(()))
    });
    let good = bench.handler(|call| {
        call.cause.patch.status(json!({"phase": "Ready"}));
        std::future::ready(Ok(()))
    });
    let registry = Registry::new()
        .add(on::create::<Demo>().id("bad").run(bad))
        .add(on::create::<Demo>().id("good").run(good));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let object = bench.get("a").await.unwrap();
    assert!(
        object["status"]["phase"] == "Ready" || memory(&object).is_none(),
        "{object}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deletion_does_not_wait_for_a_refused_patch() {
    let bench = Bench::new(Status::Open).await;
    let labelling = bench.handler(|call| {
        call.cause.patch.label("wanted", "not valid!");
        std::future::ready(Ok(()))
    });
    let registry = Registry::new()
        .add(on::create::<Demo>().id("create").run(labelling))
        .add(on::delete::<Demo>().id("delete").run(bench.noting()));
    let _running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    bench.delete("a").await;
    let since = tokio::time::Instant::now();
    bench.until_gone("a").await;
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
}
