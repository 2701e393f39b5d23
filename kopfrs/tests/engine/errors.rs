//! What becomes of failures: the user's, the API's, and those of objects that do not fit.

use std::time::Duration;

use kopfrs::prelude::*;

use crate::bench::{Bench, Demo, Status, memory, progress};

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_fit_harms_no_other_and_is_tried_again_when_it_changes() {
    let bench = Bench::new(Status::Open).await;
    let registry = Registry::module(concat!(module_path!(), "::typed"));
    let running = bench.start(registry).await;
    bench.create("misfit", json!({"size": "large"})).await;
    bench.create("fine", json!({"size": 1})).await;
    bench.until_handled("fine").await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let object = bench.get("misfit").await.unwrap();
    assert_eq!(
        (memory(&object), progress(&object)),
        (None, None),
        "it does not count as handled"
    );
    bench.merge("misfit", json!({"spec": {"size": 2}})).await;
    bench.until_handled("misfit").await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn panics_are_failures_of_their_handler_only() {
    let bench = Bench::new(Status::Open).await;
    let panicking = bench.handler(|call| async move {
        assert!(call.attempt.retry > 0, "on purpose");
        Ok(())
    });
    let fragile = |cause: &ChangingCause| {
        assert!(cause.body.name() != "filtered", "on purpose");
        true
    };
    let registry = Registry::new().add(
        on::create::<Demo>()
            .id("panicking")
            .backoff(Duration::from_secs(5))
            .when(fragile)
            .run(panicking),
    );
    let running = bench.start(registry).await;
    bench.create("filtered", json!({"size": 1})).await;
    bench.create("fine", json!({"size": 1})).await;
    bench.until_handled("fine").await;
    assert_eq!(bench.calls.names(), ["panicking/0", "panicking/1"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_patch_is_tried_again_without_calling_the_handler() {
    let bench = Bench::new(Status::Open).await;
    let labelling = bench.handler(|call| {
        let label = call.cause.body.spec()["label"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        call.cause.patch.label("wanted", &*label);
        std::future::ready(Ok(()))
    });
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(labelling));
    let running = bench.start(registry).await;
    bench.create("a", json!({"label": "not valid!"})).await;
    bench.until_calls(1).await;
    let refused = || {
        let requests = bench.sandbox.journal().for_object("demos", "default", "a");
        requests
            .matching(|request| request.status() == Some(422))
            .iter()
            .count()
    };
    bench
        .until("the third refusal", || async { refused() >= 3 })
        .await;
    assert_eq!(bench.calls.names(), ["create/0"]);
    let object = bench.get("a").await.unwrap();
    assert!(
        progress(&object).is_some(),
        "what the handler has done is not forgotten"
    );
    bench.merge("a", json!({"spec": {"label": "valid"}})).await;
    bench.until_handled("a").await;
    assert_eq!(bench.calls.names(), ["create/0", "create/0"]);
    assert_eq!(
        bench.get("a").await.unwrap()["metadata"]["labels"]["wanted"],
        "valid"
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failing_handlers_are_retried_and_others_are_not_repeated() {
    let bench = Bench::new(Status::Open).await;
    let failing = bench.handler(|call| {
        let retry = call.attempt.retry;
        std::future::ready(if retry < 2 {
            Err(TemporaryError::after_secs("later", 100).into())
        } else {
            Ok(())
        })
    });
    let registry = Registry::new()
        .add(on::create::<Demo>().id("failing").run(failing))
        .add(on::create::<Demo>().id("fine").run(bench.noting()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    assert_eq!(
        bench.calls.names(),
        ["failing/0", "fine/0", "failing/1", "failing/2"]
    );
    running.stop().await;
}

/// Handlers declared by attributes, as they are typed.
mod typed {
    use kopfrs::prelude::*;

    use crate::bench::{Demo, DemoSpec};

    #[on::create(Demo)]
    async fn create(spec: DemoSpec) {
        let _ = spec.size;
    }
}
