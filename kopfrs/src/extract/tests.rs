//! Every argument in every form, through the attributes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::json;

use super::{ArgError, Argument, Extract};
use crate::cause::ObjectCause;
use crate::clock::Clock;
use crate::handler::{Environment, ErrorKind, Family, Memos, Outcome};
use crate::prelude::*;
use crate::registry::Registered;
use crate::settings::Settings;

#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "x.io",
    version = "v1",
    kind = "Demo",
    namespaced,
    status = "DemoStatus"
)]
struct DemoSpec {
    size: u32,
    note: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
struct DemoStatus {
    phase: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Loose {
    phase: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Config(&'static str);

#[derive(Default)]
struct Count(u32);

struct Team(String);

impl<'a, C: Family + ObjectCause> Extract<'a, C> for Team {
    fn extract(inv: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let team = inv.cause.body().label("team");
        team.map(|team| Self(team.into()))
            .ok_or_else(|| argument.error("no team"))
    }
}

fn object() -> Value {
    json!({
        "apiVersion": "x.io/v1", "kind": "Demo",
        "metadata": {"name": "x", "namespace": "ns", "uid": "u1", "labels": {"team": "a"}},
        "spec": {"size": 2},
    })
}

fn changing(reason: Reason, old: Option<Value>) -> ChangingCause {
    let resource = Arc::new(Resource::default());
    let new = json!({"metadata": {"labels": {"team": "a"}}, "spec": {"size": 2}});
    let states = (old.map(Arc::new), Arc::new(new));
    ChangingCause::new(resource, Body::new(object()), (reason, false), states)
}

fn updated() -> ChangingCause {
    changing(
        Reason::Update,
        Some(json!({"spec": {"size": 1, "note": "n"}})),
    )
}

/// Calls a handler of this module.
async fn call<C: Registered>(id: &str, cause: C) -> Result<Outcome> {
    let registry = Registry::module(module_path!());
    let found: Vec<_> = registry
        .table::<C>()
        .iter()
        .filter(|h| h.id == id)
        .cloned()
        .collect();
    assert_eq!(found.len(), 1, "{id}");
    let environment = Environment::new(Clock::start(), SettingsHandle::new(Settings::default()));
    environment.states.insert(Config("shared"));
    let attempt = Attempt::new(3, Timestamp::UNIX_EPOCH, Duration::from_secs(9));
    let handler = &found[0];
    let invocation = Invocation::new(
        cause,
        attempt,
        (id.into(), handler.param.clone()),
        (Memos::default(), Arc::new(environment)),
    );
    (handler.call)(Arc::new(invocation)).await
}

async fn result<C: Registered>(id: &str, cause: C) -> Value {
    call(id, cause).await.unwrap().result.unwrap_or_default()
}

async fn message(id: &str, cause: ChangingCause) -> String {
    let error = call(id, cause).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    error.message().to_owned()
}

#[on::update(Demo)]
async fn sections(
    body: &Body,
    spec: DemoSpec,
    _meta: ObjectMeta,
    name: &str,
    namespace: &str,
    uid: String,
    labels: BTreeMap<String, String>,
    annotations: &Value,
    status: Option<DemoStatus>,
) -> Value {
    json!([
        body.kind(),
        spec.size,
        name,
        namespace,
        uid,
        labels,
        annotations,
        status.is_some()
    ])
}

#[on::update(Demo)]
async fn raw(
    body: &Value,
    spec: &Value,
    status: &Value,
    meta: Option<&Value>,
    labels: &Value,
    annotations: Option<&Value>,
    namespace: Option<String>,
    name: String,
) -> Value {
    json!([
        body["kind"],
        spec,
        status,
        meta.is_some(),
        labels,
        annotations,
        namespace,
        name
    ])
}

#[on::update(Demo)]
async fn typed(body: Demo, current: Arc<Demo>, own: Body, team: Team, status: Loose) -> Value {
    json!([
        body.spec.size,
        current.spec.size,
        own.name(),
        team.0,
        status.phase
    ])
}

#[tokio::test]
async fn sections_come_by_name() {
    assert_eq!(
        result("sections", updated()).await,
        json!(["Demo", 2, "x", "ns", "u1", {"team": "a"}, null, false])
    );
    assert_eq!(
        result("raw", updated()).await,
        json!(["Demo", {"size": 2}, null, true, {"team": "a"}, null, "ns", "x"])
    );
    assert_eq!(
        result("typed", updated()).await,
        json!([2, 2, "x", "a", null])
    );
}

#[on::update(Demo)]
async fn whole(old: Demo, new: Demo, diff: &Diff, reason: Reason) -> Value {
    json!([
        old.spec.size,
        old.metadata.name,
        new.spec.size,
        diff,
        reason
    ])
}

#[on::update(Demo)]
async fn spec_only(old: DemoSpec, new: Option<DemoSpec>) -> Value {
    json!([old.size, old.note, new.map(|spec| spec.size)])
}

#[on::create(Demo)]
async fn maybe(old: Option<Demo>, new: Option<Demo>) -> Value {
    json!([old.is_none(), new.is_some()])
}

#[on::create(Demo)]
async fn maybe_spec(old: Option<DemoSpec>, new: &Value) -> Value {
    json!([old.is_none(), new["spec"]["size"]])
}

#[on::create(Demo)]
async fn never(_old: DemoSpec) {}

#[on::update("demos")]
async fn untyped(old: Option<&Value>, new: Value, d: Diff) -> Value {
    json!([old.is_some(), new["spec"], d.len()])
}

#[on::update(Demo, field = "spec.size")]
async fn field(old: u32, new: Option<u32>, diff: &Diff) -> Value {
    json!([old, new, diff])
}

#[on::field(Demo, id = "note", field = "spec.note", errors = permanent)]
fn field_gone(old: String, new: Option<&Value>) -> (String, bool) {
    (old, new.is_none())
}

#[on::field(Demo, field = ["spec", "note"])]
fn no_option(new: Value) -> Value {
    new
}

#[tokio::test]
async fn old_and_new_are_decided_by_their_types() {
    let changes = json!([
        ["remove", ["spec", "note"], "n", null],
        ["change", ["spec", "size"], 1, 2]
    ]);
    let whole = result("whole", updated()).await;
    assert_eq!(
        (&whole[0], &whole[1], &whole[2], &whole[4]),
        (&json!(1), &json!("x"), &json!(2), &json!("update"))
    );
    assert!(whole[3].as_array().unwrap().contains(&changes[1]));
    assert_eq!(result("spec_only", updated()).await, json!([1, "n", 2]));
    let create = || changing(Reason::Create, None);
    assert_eq!(result("maybe", create()).await, json!([true, true]));
    assert_eq!(result("maybe_spec", create()).await, json!([true, 2]));
    assert_eq!(
        result("untyped", updated()).await,
        json!([true, {"size": 2}, 3])
    );
    let narrowed = |path: &str| updated().narrowed(&path.parse().unwrap());
    assert_eq!(
        result("field/spec.size", narrowed("spec.size")).await,
        json!([1, 2, [["change", [], 1, 2]]])
    );
    assert_eq!(
        result("note/spec.note", narrowed("spec.note")).await,
        json!(["n", true])
    );
    let message = message("never", create()).await;
    assert!(
        message.contains("argument `old`: there is no old state"),
        "{message}"
    );
}

#[on::resume(Demo, param = 5)]
async fn of_the_call(
    retry: u32,
    started: Timestamp,
    runtime: Duration,
    attempt: Attempt,
    param: u64,
    memo: Memo<Count>,
    patch: &Patch,
    settings: State<Config>,
    handle: Arc<Invocation<ChangingCause>>,
) -> Value {
    patch.status(json!({"seen": true}));
    let count = memo.update(|count| {
        count.0 += 1;
        count.0
    });
    let handler = &*handle.handler;
    json!([
        retry,
        started.as_second(),
        runtime.as_secs(),
        attempt.retry,
        param,
        count,
        settings.0,
        handler
    ])
}

#[on::resume(Demo, param = Config("p"), id = "p1")]
#[on::resume(Demo, param = Config("q"), id = "p2")]
fn with_param(param: &Config) -> String {
    param.0.to_owned()
}

#[on::resume(Demo, param = "text")]
fn text_param(param: &str) -> usize {
    param.len()
}

#[tokio::test]
async fn the_call_itself_has_arguments() {
    let cause = updated();
    let patch = cause.patch.clone();
    assert_eq!(
        result("of_the_call", cause).await,
        json!([3, 0, 9, 3, 5, 1, "shared", "of_the_call"])
    );
    assert_eq!(patch.merged(), json!({"status": {"seen": true}}));
    assert_eq!(result("p1", updated()).await, json!("p"));
    assert_eq!(result("p2", updated()).await, json!("q"));
    assert_eq!(result("text_param", updated()).await, json!(4));
}

#[on::event(Demo)]
async fn event(
    event: &RawEvent,
    r#type: EventType,
    spec: DemoSpec,
    cause: &WatchingCause,
) -> Value {
    json!([
        event.to_value()["type"],
        r#type.to_string(),
        spec.size,
        cause.event.object.name()
    ])
}

#[on::event(EVERYTHING)]
fn any_event(e: RawEvent, event_type: EventType, namespace: Option<&str>) -> Value {
    json!([e.object.name(), event_type.as_str(), namespace])
}

#[on::startup]
async fn startup(
    settings: SettingsHandle,
    activity: Activity,
    retry: u32,
) -> Result<State<String>> {
    settings.update(|settings| settings.execution.default_backoff = Duration::from_secs(1));
    Ok(State(format!("{activity} {retry}")))
}

#[on::cleanup]
fn cleanup(_client: Client) {}

#[on::login(retries = 1)]
async fn login() -> Option<kube::Config> {
    None
}

#[tokio::test]
async fn events_and_activities_have_arguments_of_their_own() {
    let watching = || {
        let event = RawEvent::new(EventType::Modified, Body::new(object()));
        WatchingCause::new(Arc::new(Resource::default()), event, Patch::new())
    };
    assert_eq!(
        result("event", watching()).await,
        json!(["MODIFIED", "MODIFIED", 2, "x"])
    );
    assert_eq!(
        result("any_event", watching()).await,
        json!(["x", "MODIFIED", "ns"])
    );
    let outcome = call("startup", ActivityCause::new(Activity::Startup))
        .await
        .unwrap();
    let states = crate::handler::States::default();
    let product = outcome
        .product
        .unwrap()
        .downcast::<super::SharedStates>()
        .unwrap();
    product.store(&states);
    assert_eq!(states.get::<String>().unwrap().as_str(), "startup 3");
    let error = call("cleanup", ActivityCause::new(Activity::Cleanup))
        .await
        .unwrap_err();
    assert!(
        error.message().contains("`client`: there is no client"),
        "{error}"
    );
    assert!(
        call("login", ActivityCause::new(Activity::Login))
            .await
            .unwrap()
            .product
            .is_none()
    );
}

#[on::update(ConfigMap)]
async fn misfit(spec: DemoSpec) {
    drop(spec);
}

#[on::update(ConfigMap)]
fn misfit_object(_object: Arc<Demo>) {}

#[on::update(ConfigMap)]
fn stateless(_state: State<u8>) {}

#[tokio::test]
async fn what_does_not_fit_is_named_by_its_path() {
    let with = |spec: Value| {
        let mut cause = updated();
        let mut object = object();
        object["spec"] = spec;
        cause.body = Body::new(object);
        cause
    };
    assert_eq!(
        message("misfit", with(json!({"size": "x"}))).await,
        "argument `spec`: spec.size: invalid type: string \"x\", expected u32"
    );
    assert_eq!(
        message("misfit", with(json!({}))).await,
        "argument `spec`: spec: missing field `size`"
    );
    assert_eq!(
        message("misfit", with(Value::Null)).await,
        "argument `spec`: the object has no spec; write `Option<…>`"
    );
    assert_eq!(
        message("misfit_object", with(json!({"size": []}))).await,
        "argument `object`: spec.size: invalid type: sequence, expected u32"
    );
    assert_eq!(
        message("stateless", updated()).await,
        "argument `state`: no startup handler has returned `State<u8>`"
    );
    let narrowed = updated().narrowed(&"spec.note".parse().unwrap());
    assert_eq!(
        message("no_option/spec.note", narrowed).await,
        "argument `new`: the field is not there; write `Option<…>`"
    );
}
