//! Webhooks that cannot be asked, or answer nonsense.

use std::time::Duration;

use kopfrs_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    answering::{configure, create, hook, map, message},
    server::Webhooks,
};

async fn refused_by(hook: Value) -> String {
    let sandbox = Sandbox::new();
    configure(&sandbox, "Validating", "judge", &[hook]).await;
    let answer = create(&sandbox.client(), &map("one")).await;
    message(&answer).to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_policy_says_what_becomes_of_requests() {
    let nobody = json!({"url": "https://127.0.0.1:1/x"});
    let mut hook = hook("a.b.c", &nobody);
    assert_eq!(
        refused_by(hook.clone()).await,
        "Internal error occurred: failed calling webhook \"a.b.c\": failed to call webhook: \
         Post \"https://127.0.0.1:1/x?timeout=10s\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
    hook["failurePolicy"] = json!("Ignore");
    assert_eq!(refused_by(hook).await, "");
}

#[tokio::test(start_paused = true)]
async fn slow_webhooks_time_out_by_the_clock_of_the_sandbox() {
    let webhooks = Webhooks::start(
        "127.0.0.1",
        |path, _| json!({"allowed": true, "delay": if path == "/slow" { 5 } else { 0 }}),
    )
    .await;
    let mut slow = hook("a.b.c", &webhooks.at("/slow"));
    slow["timeoutSeconds"] = json!(1);
    let began = Instant::now();
    let why = refused_by(slow).await;
    assert!(
        why.ends_with("?timeout=1s\": context deadline exceeded"),
        "{why}"
    );
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(5),
        "{took:?}"
    );
    assert_eq!(refused_by(hook("a.b.c", &webhooks.at("/"))).await, "");
}

#[tokio::test(start_paused = true)]
async fn answers_to_another_question_do_not_count() {
    let webhooks = Webhooks::start("127.0.0.1", |_, _| json!({"allowed": true, "uid": "x"})).await;
    let why = refused_by(hook("a.b.c", &webhooks.at("/"))).await;
    assert!(
        why.contains("received invalid webhook response: expected response.uid="),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn strangers_are_not_trusted() {
    let webhooks = Webhooks::start("127.0.0.1", |_, _| json!({"allowed": true})).await;
    let mut unknown = webhooks.at("/");
    unknown.as_object_mut().expect("fields").remove("caBundle");
    let why = refused_by(hook("a.b.c", &unknown)).await;
    assert!(
        why.ends_with("x509: certificate signed by unknown authority"),
        "{why}"
    );
    let other = Webhooks::start("elsewhere.test", |_, _| json!({"allowed": true})).await;
    let why = refused_by(hook("a.b.c", &other.at("/"))).await;
    assert!(
        why.contains("x509: cannot validate certificate for 127.0.0.1"),
        "{why}"
    );
    assert!(webhooks.take().is_empty() && other.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn conditions_that_cannot_be_told_refuse_without_asking() {
    let webhooks = Webhooks::start("127.0.0.1", |_, _| json!({"allowed": true})).await;
    let mut hook = hook("a.b.c", &webhooks.at("/"));
    hook["matchConditions"] = json!([{"name": "c", "expression": "object.spec.n > 1"}]);
    assert_eq!(
        refused_by(hook.clone()).await,
        "configmaps \"one\" is forbidden: expression 'object.spec.n > 1' resulted in error: no such key: spec"
    );
    hook["matchConditions"] = json!([{"name": "c", "expression": "object.metadata.name == 'two'"}]);
    assert_eq!(refused_by(hook).await, "");
    assert!(webhooks.take().is_empty());
}
