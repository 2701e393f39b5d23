//! How a Job stands: its conditions and its numbers.

use serde_json::{Value, json};

use super::ends::Ends;
use crate::{
    cluster::Cluster,
    controllers::workloads::{condition, pods::is_ready},
    object::text,
};

/// The Pods of a Job.
pub(super) struct Now<'a> {
    pub(super) active: &'a [Value],
    /// How many are on their way out.
    pub(super) leaving: usize,
    /// Whether none was active and every end is counted.
    pub(super) is_settled: bool,
}

/// What is to become of a Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    GoesOn,
    Succeeds,
    Fails(Reason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    BackoffLimit,
    Deadline,
}

impl Judgement {
    pub(super) fn is_ending(self) -> bool {
        self != Self::GoesOn
    }
}

impl Reason {
    fn texts(self) -> [&'static str; 2] {
        match self {
            Self::BackoffLimit => [
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit",
            ],
            Self::Deadline => [
                "DeadlineExceeded",
                "Job was active longer than specified deadline",
            ],
        }
    }
}

const SUCCESS: [&str; 2] = [
    "CompletionsReached",
    "Reached expected number of succeeded pods",
];

/// The condition that says a Job is over.
pub(super) fn final_condition(job: &Value) -> Option<&Value> {
    let conditions = job["status"]["conditions"].as_array()?;
    conditions.iter().find(|one| {
        (one["type"] == "Complete" || one["type"] == "Failed") && one["status"] == "True"
    })
}

pub(super) fn is_finished(job: &Value) -> bool {
    final_condition(job).is_some()
}

fn is_suspended(job: &Value) -> bool {
    job["spec"]["suspend"] == true
}

/// Seconds that are left to a Job with a deadline.
fn left(cluster: &Cluster, job: &Value) -> Option<i64> {
    let deadline = job["spec"]["activeDeadlineSeconds"].as_i64()?;
    let since = text(job, &["status", "startTime"])?;
    Some(deadline - cluster.clock.seconds_since(since)?)
}

pub(super) fn judge(cluster: &Cluster, job: &Value, ends: &Ends, active: usize) -> Judgement {
    let present = condition::of(job);
    let has = |kind: &str| condition::find(&present, kind);
    // What was once decided stays.
    if has("SuccessCriteriaMet").is_some() {
        return Judgement::Succeeds;
    }
    if let Some(failed) = has("FailureTarget") {
        return Judgement::Fails(if failed["reason"] == "DeadlineExceeded" {
            Reason::Deadline
        } else {
            Reason::BackoffLimit
        });
    }
    let limit = job["spec"]["backoffLimit"].as_u64().unwrap_or(6);
    if ends.failed() > limit {
        return Judgement::Fails(Reason::BackoffLimit);
    }
    if !is_suspended(job) && left(cluster, job).is_some_and(|left| left <= 0) {
        return Judgement::Fails(Reason::Deadline);
    }
    let is_done = match job["spec"]["completions"].as_u64() {
        Some(completions) => ends.succeeded() >= completions,
        None => ends.succeeded() > 0 && active == 0,
    };
    if is_done && !is_suspended(job) {
        Judgement::Succeeds
    } else {
        Judgement::GoesOn
    }
}

/// The status, and after how many seconds the deadline passes.
pub(super) fn next(
    cluster: &Cluster,
    job: &Value,
    (ends, judgement): (&Ends, Judgement),
    pods: &Now<'_>,
) -> (Value, Option<u64>) {
    let now = cluster.clock.rfc3339();
    let Now {
        active, leaving, ..
    } = *pods;
    let ready = active.iter().filter(|pod| is_ready(pod)).count();
    let mut status = json!({
        "terminating": leaving, "ready": ready, "uncountedTerminatedPods": {},
    });
    if !active.is_empty() {
        status["active"] = json!(active.len());
    }
    ends.show(&mut status);
    let mut conditions = condition::of(job);
    suspend(job, &mut conditions, &now);
    if !is_suspended(job) {
        let since = text(job, &["status", "startTime"]);
        status["startTime"] = json!(since.unwrap_or(&now));
    }
    // The last word is said when nothing is left to be counted.
    let is_settled = pods.is_settled && leaving == 0;
    match judgement {
        Judgement::GoesOn => {}
        Judgement::Succeeds => {
            note(&mut conditions, "SuccessCriteriaMet", SUCCESS, &now);
            if is_settled {
                note(&mut conditions, "Complete", SUCCESS, &now);
                status["completionTime"] = json!(now);
            }
        }
        Judgement::Fails(reason) => {
            note(&mut conditions, "FailureTarget", reason.texts(), &now);
            if is_settled {
                note(&mut conditions, "Failed", reason.texts(), &now);
            }
        }
    }
    if !conditions.is_empty() {
        status["conditions"] = json!(conditions);
    }
    let left = left(cluster, job).filter(|_| !judgement.is_ending());
    (status, left.and_then(|seconds| u64::try_from(seconds).ok()))
}

fn suspend(job: &Value, conditions: &mut Vec<Value>, now: &str) {
    let present = condition::find(conditions, "Suspended");
    let was = present.is_some_and(|present| present["status"] == "True");
    let made = match (is_suspended(job), was) {
        (true, false) => condition("Suspended", "True", ["JobSuspended", "Job suspended"], now),
        (false, true) => condition("Suspended", "False", ["JobResumed", "Job resumed"], now),
        (true, true) | (false, false) => return,
    };
    conditions.retain(|condition| condition["type"] != "Suspended");
    conditions.push(made);
}

fn note(conditions: &mut Vec<Value>, kind: &str, texts: [&str; 2], now: &str) {
    if condition::find(conditions, kind).is_none() {
        conditions.push(condition(kind, "True", texts, now));
    }
}

fn condition(kind: &str, status: &str, [reason, message]: [&str; 2], now: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastProbeTime": now, "lastTransitionTime": now,
    })
}
