//! Jobs: Pods that are to succeed.
//!
//! Each Pod carries a finalizer until its end has been counted: first its uid is noted in the status, then the finalizer
//! is taken off, then the count goes up. So no end is counted twice or lost, whatever comes between. Pods that failed are
//! replaced at once, without the pause that clusters make.

mod ends;
mod status;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::{
    ends::{Ends, TRACKING},
    status::{Judgement, Now},
};
use super::{JOBS, PODS, controlled, controller, count, pods, write::Controller};
use crate::{
    cluster::Cluster,
    controllers::{Outcome, RETRY},
    error::ApiError,
    object::{child_mut, fields_mut, is_deleting, meta, meta_list, text},
    strategy::Part,
};

const CONTROLLER: Controller = Controller("job-controller");
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// At most so many Pods at once; the next look makes the next ones.
const BURST: usize = 500;

pub(super) async fn sync(cluster: &Cluster, key: &str) -> Option<Instant> {
    let done = match cluster.store.get(JOBS, key) {
        Some(stored) => advance(cluster, &stored.value).await,
        None => release(cluster, key).await.map(|()| None),
    };
    match done {
        Ok(again) => again.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        Err(error) => {
            tracing::debug!(job = key, %error, "a Job has to wait");
            Some(Instant::now() + RETRY)
        }
    }
}

/// Pods of a Job that is gone are not counted any more.
async fn release(cluster: &Cluster, key: &str) -> Result<(), ApiError> {
    let (namespace, name) = key.split_once('/').unwrap_or(("", key));
    for pod in cluster.store.list(PODS, &format!("{namespace}/")).1 {
        let is_mine = controller(&pod.value)
            .is_some_and(|owner| owner["kind"] == "Job" && owner["name"] == name);
        if is_mine && is_tracked(&pod.value) {
            untrack(cluster, &pod.value).await?;
        }
    }
    Ok(())
}

fn is_tracked(pod: &Value) -> bool {
    meta_list(pod, "finalizers").any(|finalizer| finalizer == TRACKING)
}

async fn untrack(cluster: &Cluster, pod: &Value) -> Result<(), ApiError> {
    CONTROLLER
        .change(cluster, (PODS, Part::Main), pod, |value| {
            pods::remove_finalizer(value, TRACKING);
        })
        .await
}

/// Brings a Job nearer to its end; gives after how many seconds time alone changes something.
async fn advance(cluster: &Cluster, job: &Value) -> Result<Option<u64>, ApiError> {
    let all = controlled(cluster, PODS, job);
    if status::is_finished(job) {
        for pod in all.iter().filter(|pod| is_tracked(pod)) {
            untrack(cluster, pod).await?;
        }
        return Ok(expire(cluster, job).await);
    }
    let ends = Ends::count(job, &all);
    let active: Vec<Value> = all
        .iter()
        .filter(|pod| pods::is_active(pod))
        .cloned()
        .collect();
    let judgement = status::judge(cluster, job, &ends, active.len());
    let is_settled = active.is_empty() && ends.are_settled(&all);
    let active = if is_deleting(job) {
        active
    } else {
        manage(cluster, job, (&ends, judgement), active).await?
    };
    let leaving = all
        .iter()
        .filter(|pod| is_deleting(pod) && !pods::is_finished(pod) && !is_tracked(pod));
    let now = Now {
        active: &active,
        leaving: leaving.count(),
        is_settled,
    };
    let (next, again) = status::next(cluster, job, (&ends, judgement), &now);
    if job["status"] != next {
        CONTROLLER
            .change(cluster, (JOBS, Part::Status), job, |value| {
                fields_mut(value).insert("status".to_owned(), next.clone());
            })
            .await?;
    }
    // Only what the status knows of may go.
    for pod in ends.noted(&all) {
        untrack(cluster, pod).await?;
    }
    Ok(again)
}

/// Makes Pods that are missing, deletes those that are too many; gives the active ones.
async fn manage(
    cluster: &Cluster,
    job: &Value,
    (ends, judgement): (&Ends, Judgement),
    mut active: Vec<Value>,
) -> Result<Vec<Value>, ApiError> {
    let wanted = wanted(job, ends, judgement, active.len());
    if active.len() > wanted {
        let surplus = pods::dispensable(active.clone(), active.len() - wanted);
        for pod in &surplus {
            if CONTROLLER.delete(cluster, PODS, pod).await == Outcome::Done {
                active.retain(|one| meta(one, "uid") != meta(pod, "uid"));
            }
        }
        return Ok(active);
    }
    let missing = (wanted - active.len()).min(BURST);
    let indexes = ends.free_indexes(job, &active);
    for at in 0..missing {
        let index = indexes.as_ref().map(|free| free.get(at).copied());
        // All indexes are taken or done.
        if index == Some(None) {
            break;
        }
        let pod = new_pod(job, index.flatten());
        let made = CONTROLLER.create(cluster, PODS, pod).await?;
        active.push(made.value.clone());
    }
    Ok(active)
}

fn wanted(job: &Value, ends: &Ends, judgement: Judgement, active: usize) -> usize {
    if judgement.is_ending() || job["spec"]["suspend"] == true {
        return 0;
    }
    let parallelism = usize::try_from(count(job, ["spec", "parallelism"])).unwrap_or(0);
    match job["spec"]["completions"].as_u64() {
        Some(completions) => {
            let left = completions.saturating_sub(ends.succeeded());
            parallelism.min(usize::try_from(left).unwrap_or(usize::MAX))
        }
        // One success is enough; the others finish what they do.
        None if ends.succeeded() > 0 => active.min(parallelism),
        None => parallelism,
    }
}

fn new_pod(job: &Value, index: Option<u64>) -> Value {
    let mut pod = pods::from_template(job, ("batch/v1", "Job"));
    let metadata = child_mut(&mut pod, "metadata");
    let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
    if let Some(finalizers) = finalizers.as_array_mut() {
        finalizers.push(json!(TRACKING));
    }
    let Some(index) = index else {
        return pod;
    };
    let name = meta(job, "name");
    metadata.insert("generateName".to_owned(), json!(format!("{name}-{index}-")));
    for member in ["labels", "annotations"] {
        let entries = metadata.entry(member).or_insert_with(|| json!({}));
        fields_mut(entries).insert(INDEX.to_owned(), json!(index.to_string()));
    }
    let spec = child_mut(&mut pod, "spec");
    spec.insert("hostname".to_owned(), json!(format!("{name}-{index}")));
    let variable = json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {
        "apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']"),
    }}});
    for kind in ["initContainers", "containers"] {
        let containers = spec.get_mut(kind).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let env = fields_mut(container)
                .entry("env")
                .or_insert_with(|| json!([]));
            if let Some(env) = env.as_array_mut() {
                env.push(variable.clone());
            }
        }
    }
    pod
}

/// Deletes a finished Job when its time is over; gives after how many seconds that will be.
async fn expire(cluster: &Cluster, job: &Value) -> Option<u64> {
    let lifetime = job["spec"]["ttlSecondsAfterFinished"].as_i64()?;
    let since = text(status::final_condition(job)?, &["lastTransitionTime"])?;
    let left = lifetime - cluster.clock.seconds_since(since)?;
    if left > 0 {
        return u64::try_from(left).ok();
    }
    if is_deleting(job) {
        return None;
    }
    // Refused: once more in a while.
    match CONTROLLER.delete(cluster, JOBS, job).await {
        Outcome::Done => None,
        Outcome::Refused => Some(RETRY.as_secs()),
    }
}
