//! ReplicaSets: as many Pods as wanted.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{PODS, REPLICA_SETS, condition, controlled, count, pods, write::Controller};
use crate::{
    cluster::Cluster,
    controllers::{Outcome, RETRY},
    error::ApiError,
    object::{fields_mut, is_deleting},
    selector::LabelSelector,
    strategy::Part,
};

const CONTROLLER: Controller = Controller("replicaset-controller");
/// At most so many Pods at once; the next look makes the next ones.
const BURST: usize = 500;

pub(super) async fn sync(cluster: &Cluster, key: &str) -> Option<Instant> {
    let stored = cluster.store.get(REPLICA_SETS, key)?;
    let set = &stored.value;
    let all = controlled(cluster, PODS, set);
    let active: Vec<Value> = all
        .iter()
        .filter(|pod| pods::is_active(pod))
        .cloned()
        .collect();
    let failure = if is_deleting(set) {
        Ok(())
    } else {
        manage(cluster, set, &active).await
    };
    let (status, again) = status(cluster, set, &all, &failure);
    let written = write(cluster, set, &status).await;
    let retry = failure.is_err() || written.is_err();
    let retry = retry.then(|| Instant::now() + RETRY);
    let again = again.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    [retry, again].into_iter().flatten().min()
}

/// Why there are not as many Pods as there should be.
#[derive(Debug)]
struct Failure {
    reason: &'static str,
    message: String,
}

/// Makes what is missing, deletes what is too much.
async fn manage(cluster: &Cluster, set: &Value, active: &[Value]) -> Result<(), Failure> {
    let wanted = usize::try_from(count(set, ["spec", "replicas"])).unwrap_or(0);
    for _ in 0..wanted.saturating_sub(active.len()).min(BURST) {
        let pod = pods::from_template(set, ("apps/v1", "ReplicaSet"));
        let made = CONTROLLER.create(cluster, PODS, pod).await;
        made.map_err(|error: ApiError| Failure {
            reason: "FailedCreate",
            message: error.message,
        })?;
    }
    let surplus = active.len().saturating_sub(wanted).min(BURST);
    for pod in pods::dispensable(active.to_vec(), surplus) {
        if CONTROLLER.delete(cluster, PODS, &pod).await == Outcome::Refused {
            return Err(Failure {
                reason: "FailedDelete",
                message: "a webhook refused to delete a Pod".to_owned(),
            });
        }
    }
    Ok(())
}

/// The status, and after how many seconds it may be another one by itself.
fn status(
    cluster: &Cluster,
    set: &Value,
    all: &[Value],
    failure: &Result<(), Failure>,
) -> (Value, Option<u64>) {
    let template = LabelSelector::of(&json!({
        "matchLabels": set["spec"]["template"]["metadata"]["labels"],
    }));
    let min_ready = count(set, ["spec", "minReadySeconds"]);
    let (mut labeled, mut ready, mut available) = (0, 0, 0);
    let mut again: Option<i64> = None;
    let active: Vec<&Value> = all.iter().filter(|pod| pods::is_active(pod)).collect();
    for pod in &active {
        labeled += i64::from(template.matches(pod));
        ready += i64::from(pods::is_ready(pod));
        match pods::available(cluster, pod, min_ready) {
            Ok(()) => available += 1,
            Err(after) => again = [again, after].into_iter().flatten().min(),
        }
    }
    let mut status = json!({"replicas": active.len()});
    let terminating = all
        .iter()
        .filter(|pod| is_deleting(pod) && !pods::is_finished(pod));
    for (field, number) in [
        ("fullyLabeledReplicas", labeled),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("observedGeneration", count(set, ["metadata", "generation"])),
    ] {
        if number > 0 {
            status[field] = json!(number);
        }
    }
    status["terminatingReplicas"] = json!(terminating.count());
    let conditions = conditions(cluster, set, failure);
    if !conditions.is_empty() {
        status["conditions"] = Value::Array(conditions);
    }
    (
        status,
        again.and_then(|seconds| u64::try_from(seconds).ok()),
    )
}

fn conditions(cluster: &Cluster, set: &Value, failure: &Result<(), Failure>) -> Vec<Value> {
    let mut conditions = condition::of(set);
    match failure {
        Ok(()) => conditions.retain(|condition| condition["type"] != "ReplicaFailure"),
        Err(failure) => {
            let what = ["ReplicaFailure", "True", failure.reason];
            condition::set(cluster, &mut conditions, what, &failure.message);
            // Only Deployments tell when a condition was last looked at.
            if let Some(fields) = conditions.last_mut().map(fields_mut) {
                fields.remove("lastUpdateTime");
            }
        }
    }
    conditions
}

async fn write(cluster: &Cluster, set: &Value, status: &Value) -> Result<(), ApiError> {
    if set["status"] == *status {
        return Ok(());
    }
    let place = (REPLICA_SETS, Part::Status);
    CONTROLLER
        .change(cluster, place, set, |value| {
            fields_mut(value).insert("status".to_owned(), status.clone());
        })
        .await
}
