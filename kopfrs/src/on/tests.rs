//! Attributes and builders give the same handlers.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::clock::Clock;
use crate::filter::{Criterion, Filter};
use crate::handler::{ChangingRule, Environment, ErrorKind, Handler, Json, Memos, Outcome};
use crate::prelude::*;
use crate::settings::Settings;

fn is_web(value: Option<&str>) -> bool {
    value == Some("web")
}

fn is_initial(cause: &ChangingCause) -> bool {
    cause.initial
}

const LIMIT: Duration = Duration::from_secs(90);

#[on::update(
    Pod,
    id = "all",
    errors = permanent,
    timeout = LIMIT,
    retries = 5,
    backoff = "1m30s",
    labels(app = "x", "x.io/tier" = PRESENT, zone = |v: Option<&str>| v.is_none(), role = is_web),
    annotations(note = ABSENT),
    when = is_initial,
    field = "spec.a",
    old = 1,
    new = |value| value.is_some(),
)]
async fn update() {}

#[on::delete(Pod, optional, when = |cause| cause.initial)]
fn delete() {}

#[on::resume(kind = "Pod", deleted = true, field = ["spec", "a.b"], value = json!([1]))]
fn resume() {}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is declared for what it returns"
)]
#[on::create(("", "v1", "pods"), backoff = 0.5)]
#[on::resume(category = "all", timeout = 3)]
fn stacked() -> Result<u32> {
    Ok(1)
}

fn declared(id: &str) -> Vec<Arc<Handler<ChangingCause>>> {
    let registry = Registry::module(module_path!());
    registry
        .changing()
        .iter()
        .filter(|h| h.id == id)
        .cloned()
        .collect()
}

#[test]
fn every_option_of_an_attribute_arrives() {
    let handler = &declared("all/spec.a")[0];
    let built = super::update::<Pod>()
        .id("all")
        .errors(ErrorsMode::Permanent)
        .timeout(LIMIT)
        .retries(5)
        .backoff(Duration::from_secs(90))
        .label("app", "x")
        .label("x.io/tier", PRESENT)
        .label("zone", |v: Option<&str>| v.is_none())
        .label("role", is_web)
        .annotation("note", ABSENT)
        .when(is_initial)
        .field("spec.a".parse().unwrap())
        .old(1)
        .new(Criterion::check(|value: Option<&Value>| value.is_some()))
        .run(update);
    let text = |handler: &Handler<ChangingCause>| {
        let Handler {
            id,
            selector,
            options,
            filter,
            rule,
            ..
        } = handler;
        format!("{id} {selector:?} {options:?} {filter:?} {rule:?}")
    };
    assert_eq!(text(handler), text(&built));
    assert_eq!(handler.function, built.function);
    assert!(
        handler.location.file.ends_with("tests.rs") && built.location.line > handler.location.line
    );
    assert_eq!(handler.location.module, module_path!());
}

#[test]
fn kinds_have_their_rules_and_selectors() {
    let (delete, resume, stacked) = (
        declared("delete"),
        declared("resume/spec.a.b"),
        declared("stacked"),
    );
    assert_eq!(delete[0].rule, ChangingRule::delete(true));
    assert_eq!(resume[0].rule, ChangingRule::resume(true));
    assert_eq!(resume[0].selector, Some(Selector::kind("Pod").unwrap()));
    assert_eq!(
        resume[0].filter.field,
        Some(FieldPath::new(["spec", "a.b"]))
    );
    let Filter { value, .. } = &resume[0].filter;
    assert_eq!(format!("{value:?}"), format!("{:?}", Some(json!([1]))));
    assert_eq!(stacked.len(), 2);
    assert_eq!(stacked[0].function, stacked[1].function);
    assert_eq!(
        stacked[0].selector,
        Some(Selector::full("", "v1", "pods").unwrap())
    );
    assert_eq!(stacked[0].options.backoff, Some(Duration::from_millis(500)));
    assert_eq!(stacked[1].options.timeout, Some(Duration::from_secs(3)));
}

async fn call(handler: &Handler<ChangingCause>) -> Result<Outcome> {
    let environment = Environment::new(Clock::start(), SettingsHandle::new(Settings::default()));
    let body = Body::new(json!({"metadata": {"name": "x"}}));
    let states = (None, Arc::new(json!({})));
    let cause = ChangingCause::new(Arc::default(), body, (Reason::Create, true), states);
    let attempt = Attempt::new(0, Timestamp::UNIX_EPOCH, Duration::ZERO);
    let shared = (Memos::default(), Arc::new(environment));
    let invocation = Invocation::new(cause, attempt, ("x".into(), handler.param.clone()), shared);
    (handler.call)(Arc::new(invocation)).await
}

async fn result(handler: &Handler<ChangingCause>) -> Value {
    call(handler).await.unwrap().result.unwrap_or_default()
}

#[tokio::test]
async fn closures_are_handlers_too() {
    let greeting = Arc::new(String::from("hi"));
    let asynchronous = super::create::<Pod>().run(move |body: Body, reason: Reason| {
        let greeting = greeting.clone();
        async move { format!("{greeting} {} {reason}", body.name()) }
    });
    assert_eq!(result(&asynchronous).await, json!("hi x create"));
    assert!(
        asynchronous.id.starts_with("closure-tests.rs-"),
        "{}",
        asynchronous.id
    );
    let everything =
        super::create::<Pod>().run(async |inv: Arc<Invocation<ChangingCause>>, _p: Patch| {
            Ok::<_, PermanentError>(Json([inv.cause.initial]))
        });
    assert_eq!(result(&everything).await, json!([true]));
    let blocking =
        super::create::<Pod>().run_blocking(|pod: Arc<Pod>, _: Memo<u8>| pod.metadata.name.clone());
    assert_eq!(result(&blocking).await, json!("x"));
    let failing = super::create::<Pod>().run(async || Err::<(), _>("no"));
    assert_eq!(call(&failing).await.unwrap_err().message(), "no");
    let wrong = super::create::<Pod>().run(async |_: Body, _: State<u8>| {});
    let error = call(&wrong).await.unwrap_err();
    assert!(
        error
            .message()
            .starts_with("argument `second`: no startup handler"),
        "{error}"
    );
    let named = super::create::<Pod>().run_blocking(stacked);
    assert_eq!((&*named.id, result(&named).await), ("stacked", json!(1)));
}

#[tokio::test]
async fn a_panic_on_the_blocking_pool_is_a_failure() {
    let handler = super::create::<Pod>().run_blocking(|_: Body| -> () { panic!("at {}", 5) });
    let error = call(&handler).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Panic, "panicked: at 5")
    );
}

#[derive(Serialize)]
struct Report {
    pods: u32,
}

#[derive(Debug, thiserror::Error)]
#[error("broken")]
struct Broken(#[source] TemporaryError);

#[on::create(Pod)]
fn value() -> Report {
    Report { pods: 3 }
}

#[on::create(Pod)]
async fn optional() -> Option<()> {
    Some(())
}

#[on::create(Pod)]
async fn fallible() -> std::result::Result<Report, Broken> {
    Ok(Report { pods: 4 })
}

#[on::create(Pod)]
async fn failing() -> std::result::Result<Report, Broken> {
    Err(Broken(TemporaryError::after_secs("later", 3)))
}

#[on::create(Pod)]
async fn text_error() -> std::result::Result<(), String> {
    Err("a text".into())
}

#[on::create(Pod)]
fn boxed() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    "x".parse::<u8>()?;
    Ok(())
}

#[tokio::test]
async fn what_is_returned_becomes_the_outcome() {
    let handler = |id: &str| declared(id)[0].clone();
    assert_eq!(result(&handler("value")).await, json!({"pods": 3}));
    assert!(call(&handler("optional")).await.unwrap().result.is_none());
    assert_eq!(result(&handler("fallible")).await, json!({"pods": 4}));
    for (id, kind, message) in [
        (
            "failing",
            ErrorKind::Temporary(Duration::from_secs(3)),
            "broken: later",
        ),
        ("text_error", ErrorKind::Arbitrary, "a text"),
        (
            "boxed",
            ErrorKind::Arbitrary,
            "invalid digit found in string",
        ),
    ] {
        let error = call(&handler(id)).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, message));
    }
}
