//! Of the call, of events, of activities.

use serde_json::json;

use super::*;
use crate::extract::SharedStates;

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
    let product = outcome.product.unwrap().downcast::<SharedStates>().unwrap();
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
