//! How far a rollout is: the status of a Deployment.

use serde_json::{Value, json};

use super::{condition, count, rollout::Limits};
use crate::{
    cluster::Cluster,
    object::{meta, text},
};

const PROGRESSING: &str = "Progressing";
const COMPLETE: &str = "NewReplicaSetAvailable";
/// A deadline that is none.
const NEVER: i64 = 2_147_483_647;

/// A Deployment and its sets as they are now.
pub(super) struct Progress<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) deployment: &'a Value,
    pub(super) limits: Limits,
    pub(super) new: Option<&'a Value>,
    pub(super) old: &'a [Value],
}

/// The numbers of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    total: i64,
    updated: i64,
    ready: i64,
    available: i64,
}

impl Numbers {
    fn of_status(deployment: &Value) -> Self {
        let number = |field| count(deployment, ["status", field]);
        Self {
            total: number("replicas"),
            updated: number("updatedReplicas"),
            ready: number("readyReplicas"),
            available: number("availableReplicas"),
        }
    }

    fn is_complete(self, replicas: i64) -> bool {
        [self.total, self.updated, self.available] == [replicas; 3]
    }

    fn is_beyond(self, before: Self) -> bool {
        self.updated > before.updated
            || self.total - self.updated < before.total - before.updated
            || self.ready > before.ready
            || self.available > before.available
    }
}

impl Progress<'_> {
    fn sets(&self) -> impl Iterator<Item = &Value> {
        self.old.iter().chain(self.new)
    }

    fn sum(&self, path: [&str; 2]) -> i64 {
        self.sets().map(|set| count(set, path)).sum()
    }

    fn numbers(&self) -> Numbers {
        Numbers {
            total: self.sum(["status", "replicas"]),
            updated: self.new.map_or(0, |set| count(set, ["status", "replicas"])),
            ready: self.sum(["status", "readyReplicas"]),
            available: self.sum(["status", "availableReplicas"]),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        let observed = count(self.deployment, ["status", "observedGeneration"]);
        Numbers::of_status(self.deployment).is_complete(self.limits.replicas)
            && observed >= count(self.deployment, ["metadata", "generation"])
    }

    /// The status, and after how many seconds the deadline passes.
    pub(super) fn status(&self, mut conditions: Vec<Value>) -> (Value, Option<u64>) {
        let numbers = self.numbers();
        let enough = numbers.available >= self.limits.replicas - self.limits.unavailable;
        let (status, reason, message) = if enough {
            let message = "Deployment has minimum availability.";
            ("True", "MinimumReplicasAvailable", message)
        } else {
            let message = "Deployment does not have minimum availability.";
            ("False", "MinimumReplicasUnavailable", message)
        };
        let what = ["Available", status, reason];
        condition::set(self.cluster, &mut conditions, what, message);
        self.note_progress(&mut conditions, numbers);
        self.note_failure(&mut conditions);
        let unavailable = (self.sum(["spec", "replicas"]) - numbers.available).max(0);
        let mut status = json!({"conditions": conditions});
        let generation = count(self.deployment, ["metadata", "generation"]);
        for (field, number) in [
            ("observedGeneration", generation),
            ("replicas", numbers.total),
            ("updatedReplicas", numbers.updated),
            ("readyReplicas", numbers.ready),
            ("availableReplicas", numbers.available),
            ("unavailableReplicas", unavailable),
        ] {
            if number > 0 {
                status[field] = json!(number);
            }
        }
        status["terminatingReplicas"] = json!(self.sum(["status", "terminatingReplicas"]));
        let collisions = &self.deployment["status"]["collisionCount"];
        if !collisions.is_null() {
            status["collisionCount"] = collisions.clone();
        }
        let again = self.until_deadline(&conditions);
        (status, again)
    }

    fn deadline(&self) -> Option<i64> {
        let seconds = self.deployment["spec"]["progressDeadlineSeconds"].as_i64()?;
        (seconds != NEVER).then_some(seconds)
    }

    fn is_paused(&self) -> bool {
        self.deployment["spec"]["paused"] == true
    }

    fn note_progress(&self, conditions: &mut Vec<Value>, numbers: Numbers) {
        if self.deadline().is_none() {
            conditions.retain(|condition| condition["type"] != PROGRESSING);
            return;
        }
        let present = condition::find(conditions, PROGRESSING);
        let reason = present
            .and_then(|one| text(one, &["reason"]))
            .unwrap_or_default();
        if self.is_paused() || (numbers.total == numbers.updated && reason == COMPLETE) {
            return;
        }
        let subject = match self.new {
            Some(set) => format!("ReplicaSet {:?}", meta(set, "name")),
            None => format!("Deployment {:?}", meta(self.deployment, "name")),
        };
        let before = Numbers::of_status(self.deployment);
        let late = self.until_deadline(conditions) == Some(0);
        if numbers.is_complete(self.limits.replicas) {
            let message = format!("{subject} has successfully progressed.");
            let what = [PROGRESSING, "True", COMPLETE];
            condition::set(self.cluster, conditions, what, &message);
        } else if numbers.is_beyond(before) {
            self.restamp(conditions, &format!("{subject} is progressing."));
        } else if late {
            let message = format!("{subject} has timed out progressing.");
            let what = [PROGRESSING, "False", "ProgressDeadlineExceeded"];
            condition::set(self.cluster, conditions, what, &message);
        }
    }

    /// Progress starts the clock anew, also when the condition says the same as before.
    fn restamp(&self, conditions: &mut Vec<Value>, message: &str) {
        let what = [PROGRESSING, "True", "ReplicaSetUpdated"];
        let same = |condition: &Value| condition["type"] == PROGRESSING;
        let since = condition::find(conditions, PROGRESSING)
            .filter(|present| present["status"] == "True")
            .map(|present| present["lastTransitionTime"].clone());
        conditions.retain(|condition| !same(condition));
        condition::set(self.cluster, conditions, what, message);
        if let (Some(since), Some(last)) = (since, conditions.last_mut()) {
            last["lastTransitionTime"] = since;
        }
    }

    fn note_failure(&self, conditions: &mut Vec<Value>) {
        let failed = self.sets().find_map(|set| {
            let of_set = set["status"]["conditions"].as_array()?;
            condition::find(of_set, "ReplicaFailure").cloned()
        });
        match failed {
            None => conditions.retain(|condition| condition["type"] != "ReplicaFailure"),
            Some(failed) => {
                let part = |field: &str| text(&failed, &[field]).unwrap_or_default();
                let what = ["ReplicaFailure", part("status"), part("reason")];
                condition::set(self.cluster, conditions, what, part("message"));
            }
        }
    }

    /// Seconds until a rollout that does not move is late; `None` when nothing has to move.
    fn until_deadline(&self, conditions: &[Value]) -> Option<u64> {
        let deadline = self.deadline()?;
        let present = condition::find(conditions, PROGRESSING)?;
        let is_over = matches!(
            text(present, &["reason"]),
            Some(COMPLETE | "DeploymentPaused" | "ProgressDeadlineExceeded")
        );
        if is_over {
            return None;
        }
        let since = text(present, &["lastUpdateTime"])?;
        let passed = self.cluster.clock.seconds_since(since)?;
        // The deadline itself is still in time.
        let left = deadline + 1 - passed;
        Some(u64::try_from(left).unwrap_or(0))
    }
}
