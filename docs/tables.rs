//! Every row of the guide's tables of arguments, so that none of them promises what does not compile.

use std::collections::BTreeMap;

use kopfrs::index::Indices;
use kopfrs::prelude::*;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "example.com", version = "v1", kind = "Demo", namespaced)]
#[kube(status = "DemoStatus")]
struct DemoSpec {
    size: u32,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
struct DemoStatus {
    pods: u32,
}

#[on::create(Demo, param = DemoSpec { size: 1 })]
fn sections(
    spec: DemoSpec,
    status: Option<DemoStatus>,
    meta: ObjectMeta,
    name: &str,
    uid: String,
    namespace: &str,
    labels: BTreeMap<String, String>,
    annotations: &Value,
    param: &DemoSpec,
) {
}

#[on::update(Demo)]
fn changes(
    old: Option<Demo>,
    new: DemoSpec,
    diff: &Diff,
    reason: Reason,
    body: &Body,
    demo: Arc<Demo>,
    patch: &Patch,
    actions: Actions,
    client: Client,
) {
}

#[on::update("demos", field = "spec.size")]
fn calls(
    old: u32,
    new: Option<u32>,
    namespace: Option<&str>,
    retry: u32,
    started: Timestamp,
    runtime: Duration,
    attempt: Attempt,
    memo: Memo<u8>,
    state: State<u8>,
    resource: &Resource,
    cause: &ChangingCause,
    invocation: &Invocation<ChangingCause>,
) {
}

#[on::update("demos")]
fn untyped(old: &Value, new: Option<&Value>, spec: Option<&Value>, body: &Value) {}

#[on::delete(Demo)]
fn typed(body: Demo, old: &Value) {}

#[on::event(Demo, param = "x")]
fn events(
    event: &RawEvent,
    event_type: EventType,
    cause: &WatchingCause,
    invocation: &Invocation<WatchingCause>,
    spec: DemoSpec,
    status: &Value,
    meta: &Value,
    name: String,
    uid: &str,
    namespace: &str,
    labels: &Value,
    annotations: BTreeMap<String, String>,
    param: &str,
) {
}

#[on::event(Demo)]
fn more_events(
    body: &Body,
    demo: Arc<Demo>,
    patch: &Patch,
    actions: Actions,
    client: Client,
    memo: Memo<u8>,
    state: State<u8>,
    resource: &Resource,
) {
}

#[on::index(Demo)]
fn by_size(
    cause: &IndexingCause,
    invocation: &Invocation<IndexingCause>,
    spec: DemoSpec,
    name: &str,
    namespace: &str,
    labels: BTreeMap<String, String>,
    retry: u32,
    memo: Memo<u8>,
    state: State<u8>,
    resource: &Resource,
    indices: Indices,
) -> Vec<(u32, String)> {
    vec![(spec.size, name.to_owned())]
}

#[on::create(Demo)]
fn looking_up(by_size: Index<u32, String>, indices: Indices) {}

#[on::event(Demo)]
fn looking_on(by_size: &Index<u32, String>, indices: &Indices) {}

#[on::daemon(Demo, param = "x", initial_delay = |cause| Duration::from_secs(cause.body.name().len() as u64))]
#[on::timer(Demo, param = "x", interval = 5, sharp, idle = "1m", finalizer = false)]
fn background(
    stopped: Stopped,
    live: Live,
    cause: &SpawningCause,
    spec: DemoSpec,
    status: &Value,
    name: &str,
    namespace: &str,
    patch: &Patch,
    retry: u32,
    started: Timestamp,
    runtime: Duration,
    param: &str,
    actions: Actions,
) {
}

#[on::daemon(
    "demos",
    cancellation_backoff = 1,
    cancellation_timeout = 0.5,
    cancellation_polling = "10s"
)]
async fn more_background(
    stopped: &Stopped,
    live: &Live,
    body: &Body,
    demo: Arc<Demo>,
    memo: Memo<u8>,
    state: State<u8>,
    attempt: Attempt,
    client: Client,
    invocation: &Invocation<SpawningCause>,
) {
}

#[on::startup(param = 1)]
fn startup(settings: SettingsHandle, activity: Activity, retry: u32, param: i32) {}

#[on::cleanup]
fn cleanup(
    client: Client,
    started: Timestamp,
    runtime: Duration,
    attempt: Attempt,
    memo: Memo<u8>,
    state: State<u8>,
) {
}

#[test]
fn all_of_them_are_registered() {
    assert_eq!(Registry::module(module_path!()).len(), 15);
}
