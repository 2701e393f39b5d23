//! Attributes that are fine.

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kopfrs::filter::Criterion;
use kopfrs::prelude::*;

pub(crate) const COUNT: usize = 23;

const FIELD: fn() -> FieldPath = || FieldPath::new(["spec"]);

#[on::startup]
#[on::cleanup(id = "end", retries = 3)]
pub(crate) fn in_both() {}

#[on::login(timeout = "1m", backoff = 1.5, errors = ignored)]
fn login() -> Option<kube::Config> {
    None
}

#[on::create(Pod)]
#[on::update(Pod)]
#[on::resume(Pod, deleted)]
#[on::delete(Pod, optional = false)]
async fn all_of_them() {}

#[on::create("pods.v1", errors = ErrorsMode::Permanent)]
#[on::create(("pods"))]
#[on::create(("", "v1", "pods"))]
#[on::create(plural = "pods")]
#[on::create(kind = "Pod", group = "", version = "v1")]
#[on::event(EVERYTHING)]
fn by_names() {}

#[on::update(
    k8s_openapi::api::core::v1::Pod,
    labels(app = String::from("x"), r#type = kopfrs::filter::PRESENT),
    field = FIELD(),
    old = Criterion::check(|old: Option<&Value>| old.is_none()),
    new = [1, 2],
    crate = ::kopfrs,
)]
fn everything_by_expressions() {}

#[on::field(Pod, errors = temporary, field = "spec.a", value = |v| v.is_some_and(Value::is_string))]
fn field_after_errors() {}

mod nested {
    use super::on;

    // Nothing but the attributes is in scope, and names of the expansion are taken.
    #[on::create(super::Pod)]
    fn register() {}

    #[allow(non_camel_case_types, dead_code)]
    struct Registry;
    #[allow(dead_code)]
    type Result = ();

    #[on::create(super::Pod)]
    fn no_prelude(#[allow(unused)] name: &str) -> core::result::Result<(), std::io::Error> {
        Ok(())
    }
}

/// A function stays a function.
#[test]
fn functions_can_be_called() {
    in_both();
    by_names();
}

fn of_secret(secret: Arc<Secret>) -> Vec<String> {
    secret.labels().values().cloned().collect()
}

#[on::reconcile(
    ConfigMap,
    owns(Pod, "secrets", ("apps", "v1", "deployments"),),
    watches(Secret => of_secret, Pod => |pod| pod.labels().get("of").cloned(), "nodes" => |node: Arc<Value>| [node["x"].to_string()]),
    uses(Secret => |map: Arc<ConfigMap>| [map.name_any()]),
    concurrency = 16,
    resync = "10m",
    backoff = 2,
    labels(app = "x"),
)]
async fn reconciled(spec: &Value, reason: Reason) -> Result<Action> {
    Ok(Action::Done)
}

#[on::reconcile("configmaps", resync = 0)]
fn reconciled_at_once() {}

#[on::reconcile(Pod)]
fn reconciled_later() -> Action {
    Action::requeue(Duration::from_secs(2))
}

fn slowly(cause: &SpawningCause) -> Duration {
    Duration::from_secs(cause.body.name().len() as u64)
}

#[on::daemon(
    Pod,
    id = "d",
    errors = permanent,
    timeout = "1h",
    retries = 5,
    backoff = 1,
    labels(app = "x"),
    field = "spec.a",
    value = PRESENT,
    when = |cause| !cause.body.is_deleting(),
    initial_delay = slowly,
    cancellation_backoff = "1s",
    cancellation_timeout = 0,
    cancellation_polling = "10s",
    finalizer = false
)]
async fn followed(stopped: Stopped, live: &Live) -> Result<Value> {
    Ok(json!({}))
}

#[on::timer("pods", interval = 0.5, sharp, idle = "10s", initial_delay = slowly)]
#[on::timer("pods", id = "other", interval = Duration::from_secs(5), finalizer)]
fn ticked(live: Live, stopped: &Stopped, retry: u32) {}
