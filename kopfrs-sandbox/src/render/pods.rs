//! The table of Pods: what is told of all their containers in a few words.

use serde_json::{Value, json};

use super::{
    age,
    columns::{Column, string},
};
use crate::{
    clock::Clock,
    object::{is_deleting, text},
};

/// The columns between the name and the age.
pub(super) fn columns() -> Vec<Column<'static>> {
    vec![
        string("Ready", |pod, _| json!(Summary::of(pod).ready_of_all())),
        string("Status", |pod, _| json!(Summary::of(pod).reason)),
        string("Restarts", |pod, clock| {
            json!(Summary::of(pod).restarts(clock))
        }),
    ]
}

/// What is said about the row of a pod that has come to its end.
pub(super) fn conditions(pod: &Value) -> Option<Value> {
    let (reason, message) = match phase(pod) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    let completed =
        json!({"type": "Completed", "status": "True", "reason": reason, "message": message});
    Some(json!([completed]))
}

/// What becomes of looking at one container after the other.
#[derive(Debug, Default)]
struct Summary<'a> {
    all: usize,
    ready: usize,
    reason: String,
    restarts: i64,
    /// When the containers that were restarted had ended.
    ends: Vec<&'a str>,
}

impl<'a> Summary<'a> {
    fn of(pod: &'a Value) -> Self {
        let sidecars = list(&pod["spec"]["initContainers"])
            .iter()
            .filter(|container| is_sidecar(container));
        let mut summary = Self {
            all: list(&pod["spec"]["containers"]).len() + sidecars.count(),
            reason: reason_of_pod(pod),
            ..Self::default()
        };
        let is_initialising = summary.look_at_init_containers(pod);
        if !is_initialising || has_condition(pod, "Initialized") {
            summary.look_at_containers(pod);
        }
        if is_deleting(pod) {
            if text(pod, &["status", "reason"]) == Some("NodeLost") {
                "Unknown".clone_into(&mut summary.reason);
            } else if !matches!(phase(pod), "Succeeded" | "Failed") {
                "Terminating".clone_into(&mut summary.reason);
            }
        }
        summary
    }

    /// Whether one of them has to end yet; their restarts count only as long.
    fn look_at_init_containers(&mut self, pod: &'a Value) -> bool {
        let specs = list(&pod["spec"]["initContainers"]);
        let (mut restarts_of_sidecars, mut ends_of_sidecars) = (0, Vec::new());
        for (index, container) in list(&pod["status"]["initContainerStatuses"])
            .iter()
            .enumerate()
        {
            self.count_restarts(container);
            let spec = specs.iter().find(|spec| spec["name"] == container["name"]);
            let is_sidecar = spec.is_some_and(is_sidecar);
            if is_sidecar {
                restarts_of_sidecars += restarts(container);
                ends_of_sidecars.extend(last_end(container));
            }
            let state = &container["state"];
            if state["terminated"]["exitCode"] == 0 {
                continue;
            }
            if is_sidecar && container["started"] == true {
                self.ready += usize::from(container["ready"] == true);
                continue;
            }
            let what = end(state).or_else(|| waiting(state).filter(|why| why != "PodInitializing"));
            let what = what.unwrap_or_else(|| format!("{index}/{}", specs.len()));
            self.reason = format!("Init:{what}");
            return true;
        }
        (self.restarts, self.ends) = (restarts_of_sidecars, ends_of_sidecars);
        false
    }

    /// The first container has the last word.
    fn look_at_containers(&mut self, pod: &'a Value) {
        let mut runs = false;
        for container in list(&pod["status"]["containerStatuses"]).iter().rev() {
            self.count_restarts(container);
            let state = &container["state"];
            if let Some(reason) = waiting(state).or_else(|| end(state)) {
                self.reason = reason;
            } else if container["ready"] == true && !state["running"].is_null() {
                runs = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" && runs {
            let is_ready = has_condition(pod, "Ready");
            let state = if is_ready { "Running" } else { "NotReady" };
            state.clone_into(&mut self.reason);
        }
    }

    fn count_restarts(&mut self, container: &'a Value) {
        self.restarts += restarts(container);
        self.ends.extend(last_end(container));
    }

    fn ready_of_all(&self) -> String {
        format!("{}/{}", self.ready, self.all)
    }

    fn restarts(&self, clock: &Clock) -> String {
        let ends = self
            .ends
            .iter()
            .filter_map(|time| clock.seconds_since(time));
        match ends.min().filter(|_| self.restarts > 0) {
            Some(seconds) => format!("{} ({} ago)", self.restarts, age::human(seconds)),
            None => self.restarts.to_string(),
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn phase(pod: &Value) -> &str {
    text(pod, &["status", "phase"]).unwrap_or_default()
}

fn reason_of_pod(pod: &Value) -> String {
    let conditions = list(&pod["status"]["conditions"]);
    let is_gated = conditions
        .iter()
        .any(|one| one["type"] == "PodScheduled" && one["reason"] == "SchedulingGated");
    if is_gated {
        return "SchedulingGated".to_owned();
    }
    let told = text(pod, &["status", "reason"]).filter(|told| !told.is_empty());
    told.unwrap_or(phase(pod)).to_owned()
}

fn is_sidecar(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    let mut conditions = list(&pod["status"]["conditions"]).iter();
    conditions.any(|one| one["type"] == kind && one["status"] == "True")
}

fn restarts(container: &Value) -> i64 {
    container["restartCount"].as_i64().unwrap_or_default()
}

fn last_end(container: &Value) -> Option<&str> {
    text(container, &["lastState", "terminated", "finishedAt"])
}

fn waiting(state: &Value) -> Option<String> {
    let reason = text(state, &["waiting", "reason"]).filter(|reason| !reason.is_empty());
    reason.map(str::to_owned)
}

/// How a container has ended.
fn end(state: &Value) -> Option<String> {
    let end = state.get("terminated").filter(|end| !end.is_null())?;
    let reason = text(end, &["reason"]).filter(|reason| !reason.is_empty());
    Some(match (reason, end["signal"].as_i64()) {
        (Some(reason), _) => reason.to_owned(),
        (None, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        (None, _) => format!("ExitCode:{}", end["exitCode"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: &Value) -> Value {
        let containers = json!([{"name": "a"}, {"name": "b"}]);
        let before = json!([{"name": "i"}, {"name": "s", "restartPolicy": "Always"}]);
        json!({"metadata": {}, "spec": {"containers": containers, "initContainers": before}, "status": status})
    }

    #[test]
    fn the_status_is_what_matters_most_of_all_containers() {
        let running = json!({"name": "a", "ready": true, "state": {"running": {}}});
        let ended =
            json!({"name": "b", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        let waits = json!({"name": "b", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}});
        let sidecar = json!({"name": "s", "ready": true, "started": true, "restartCount": 2, "state": {"running": {}}});
        let init = |state: Value| json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "restartCount": 1, "state": state}]});
        let gated =
            json!([{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]);
        for (status, expected) in [
            (json!({}), ("0/3", "", 0)),
            (json!({"phase": "Pending"}), ("0/3", "Pending", 0)),
            (
                json!({"phase": "Pending", "conditions": gated}),
                ("0/3", "SchedulingGated", 0),
            ),
            (
                json!({"phase": "Failed", "reason": "Evicted"}),
                ("0/3", "Evicted", 0),
            ),
            (init(json!({"running": {}})), ("0/3", "Init:0/2", 1)),
            (
                init(json!({"waiting": {"reason": "PodInitializing"}})),
                ("0/3", "Init:0/2", 1),
            ),
            (
                init(json!({"waiting": {"reason": "ErrImagePull"}})),
                ("0/3", "Init:ErrImagePull", 1),
            ),
            (
                init(json!({"terminated": {"exitCode": 2}})),
                ("0/3", "Init:ExitCode:2", 1),
            ),
            (
                json!({"phase": "Running", "initContainerStatuses": [sidecar], "containerStatuses": [running]}),
                ("2/3", "Running", 2),
            ),
            (
                json!({"phase": "Running", "containerStatuses": [running, waits]}),
                ("1/3", "CrashLoopBackOff", 3),
            ),
            (
                json!({"phase": "Running", "containerStatuses": [running, ended]}),
                ("1/3", "NotReady", 0),
            ),
        ] {
            let pod = pod(&status);
            let summary = Summary::of(&pod);
            let found = (
                summary.ready_of_all(),
                summary.reason.as_str(),
                summary.restarts,
            );
            assert_eq!((found.0.as_str(), found.1, found.2), expected, "{status}");
        }
    }

    #[test]
    fn a_pod_that_goes_says_so_unless_it_has_ended() {
        let mut going = pod(&json!({"phase": "Running"}));
        going["metadata"]["deletionTimestamp"] = json!("2020-01-01T00:00:00Z");
        assert_eq!(Summary::of(&going).reason, "Terminating");
        going["status"]["phase"] = json!("Succeeded");
        assert_eq!(Summary::of(&going).reason, "Succeeded");
        let ended = conditions(&going).expect("an end");
        assert_eq!(ended[0]["reason"], "Succeeded");
        assert!(conditions(&pod(&json!({"phase": "Running"}))).is_none());
    }
}
