//! How the program in a Pod is. Pure.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};

use super::container::CONTAINER;
use crate::exec::code::Exit;
use crate::exec::output::Text;

/// Fallen back to, the end of a log has this many bytes at most; it may have been cut then.
const CUT: usize = 2048;

/// Reasons for which a container that waits may never start; some of them pass.
const TROUBLES: [&str; 9] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// How a run is.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// It has not begun, maybe since something is in the way that may take its time.
    Waiting(Option<String>),
    /// It has not begun, and will not unless somebody helps.
    Trouble(String),
    /// It is at work.
    Running,
    /// It has ended by itself.
    Ended(End),
    /// It will not end by itself any more.
    Lost(String),
}

/// How the program has ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) exit: Exit,
    pub(super) reason: Option<String>,
    pub(super) text: Text,
}

impl State {
    /// Whether nothing more will come of it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Ended(_) | Self::Lost(_))
    }
}

/// How the program in a Pod is. Containers that others have added do not count.
pub(super) fn of_pod(pod: &Pod) -> State {
    let Some(status) = &pod.status else {
        return State::Waiting(None);
    };
    let containers = status.container_statuses.iter().flatten();
    let container = containers
        .filter(|container| container.name == CONTAINER)
        .find_map(|container| container.state.as_ref());
    let terminated = container.and_then(|state| state.terminated.as_ref());
    if let Some(terminated) = terminated {
        let end = end(terminated);
        // A Pod that was evicted, or has met its deadline, says so itself; what its program has said before counts.
        return match stated(status.reason.as_deref(), status.message.as_deref()) {
            Some(reason) if !end.exit.is_told() => State::Lost(reason),
            _ => State::Ended(end),
        };
    }
    let phase = status.phase.as_deref();
    if let Some(phase @ ("Failed" | "Succeeded")) = phase {
        let stated = stated(status.reason.as_deref(), status.message.as_deref());
        let unknown = || format!("it is {phase}, and nothing is known of how its program ended");
        return State::Lost(stated.unwrap_or_else(unknown));
    }
    if container.is_some_and(|state| state.running.is_some()) {
        return State::Running;
    }
    let waiting = container.and_then(|state| state.waiting.as_ref());
    if let Some(waiting) = waiting {
        let is_trouble = waiting
            .reason
            .as_deref()
            .is_some_and(|reason| TROUBLES.contains(&reason));
        let reason = stated(waiting.reason.as_deref(), waiting.message.as_deref());
        return match reason {
            Some(reason) if is_trouble => State::Trouble(reason),
            reason => State::Waiting(reason),
        };
    }
    let conditions = status.conditions.iter().flatten();
    let mut refused = conditions
        .filter(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    State::Waiting(
        refused.next().and_then(|condition| {
            stated(condition.reason.as_deref(), condition.message.as_deref())
        }),
    )
}

/// `ErrImagePull: no such image`
pub(super) fn stated(reason: Option<&str>, message: Option<&str>) -> Option<String> {
    let filled = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    match (filled(reason), filled(message)) {
        (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
        (reason, message) => reason.or(message),
    }
}

fn end(terminated: &ContainerStateTerminated) -> End {
    let content = terminated.message.clone().unwrap_or_default();
    End {
        exit: Exit::Code(terminated.exit_code),
        reason: terminated.reason.clone(),
        text: Text {
            is_cut: content.len() >= CUT,
            content,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is seen of a Pod with this status: one word, and what goes with it.
    #[expect(clippy::needless_pass_by_value, reason = "rows are written as values")]
    fn check(status: Value, expected: &str) {
        let pod: Pod = serde_json::from_value(json!({"metadata": {}, "status": status})).unwrap();
        let seen = match of_pod(&pod) {
            State::Waiting(reason) => format!("waiting {}", reason.unwrap_or_default()),
            State::Trouble(reason) => format!("trouble {reason}"),
            State::Running => "running".to_owned(),
            State::Ended(end) => format!("ended {:?} {}", end.exit, end.text.content),
            State::Lost(reason) => format!("lost {reason}"),
        };
        assert_eq!(seen.trim(), expected, "{status}");
    }

    fn container(state: &Value) -> Value {
        json!([
            {"name": "sidecar", "state": {"running": {}}, "image": "", "imageID": "", "ready": true, "restartCount": 0},
            {"name": "program", "state": state, "image": "", "imageID": "", "ready": false, "restartCount": 0},
        ])
    }

    #[test]
    fn the_state_of_the_program_is_told_by_its_own_container() {
        let terminated =
            |code: i32| container(&json!({"terminated": {"exitCode": code, "message": "m"}}));
        check(json!({}), "waiting");
        check(json!({"phase": "Pending"}), "waiting");
        check(
            json!({"phase": "Running", "containerStatuses": terminated(201)}),
            "ended Code(201) m",
        );
        check(
            json!({"phase": "Failed", "containerStatuses": terminated(1)}),
            "ended Code(1) m",
        );
        check(
            json!({"phase": "Running", "containerStatuses": container(&json!({"running": {}}))}),
            "running",
        );
    }

    #[test]
    fn what_will_not_start_is_told_from_what_takes_time() {
        let waiting =
            |reason: &str| container(&json!({"waiting": {"reason": reason, "message": "m"}}));
        check(
            json!({"phase": "Pending", "containerStatuses": waiting("ContainerCreating")}),
            "waiting ContainerCreating: m",
        );
        for reason in TROUBLES {
            check(
                json!({"phase": "Pending", "containerStatuses": waiting(reason)}),
                &format!("trouble {reason}: m"),
            );
        }
        let unschedulable = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"});
        check(
            json!({"phase": "Pending", "conditions": [unschedulable]}),
            "waiting Unschedulable: 0/3 nodes",
        );
    }

    #[test]
    fn pods_that_were_ended_by_others_are_lost_unless_their_program_has_said_something() {
        let evicted = |code: i32| {
            json!({
                "phase": "Failed", "reason": "Evicted", "message": "low on memory",
                "containerStatuses": container(&json!({"terminated": {"exitCode": code}})),
            })
        };
        check(
            json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}),
            "lost Evicted: low on memory",
        );
        check(evicted(137), "lost Evicted: low on memory");
        check(evicted(202), "ended Code(202)");
        check(
            json!({"phase": "Failed"}),
            "lost it is Failed, and nothing is known of how its program ended",
        );
    }
}
