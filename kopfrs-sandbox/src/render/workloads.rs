//! The tables of what makes Pods.

use serde_json::{Value, json};

use super::{
    age,
    columns::{Column, integer, string},
    pods,
    wide::labels,
};
use crate::{
    clock::Clock,
    object::{at, is_deleting, text},
};

/// The columns between the name and the age.
pub(super) fn of(kind: &str) -> Option<Vec<Column<'static>>> {
    Some(match kind {
        "Pod" => pods::columns(),
        "Deployment" => vec![
            string("Ready", ready_of_replicas),
            string("Up-to-date", |value, _| status(value, "updatedReplicas")),
            string("Available", |value, _| status(value, "availableReplicas")),
        ],
        "ReplicaSet" => vec![
            integer("Desired", |value, _| {
                json!(number(value, &["spec", "replicas"]))
            }),
            integer("Current", |value, _| status(value, "replicas")),
            integer("Ready", |value, _| status(value, "readyReplicas")),
        ],
        "StatefulSet" => vec![string("Ready", ready_of_replicas)],
        "DaemonSet" => daemon_set(),
        "Job" => vec![
            string("Status", job_status),
            string("Completions", job_completions),
            string("Duration", job_duration),
        ],
        "CronJob" => cron_job(),
        _ => return None,
    })
}

fn daemon_set() -> Vec<Column<'static>> {
    vec![
        integer("Desired", |value, _| {
            status(value, "desiredNumberScheduled")
        }),
        integer("Current", |value, _| {
            status(value, "currentNumberScheduled")
        }),
        integer("Ready", |value, _| status(value, "numberReady")),
        integer("Up-to-date", |value, _| {
            status(value, "updatedNumberScheduled")
        }),
        integer("Available", |value, _| status(value, "numberAvailable")),
        string("Node Selector", |value, _| {
            let selector = at(value, &["spec", "template", "spec", "nodeSelector"]);
            let selector = labels(selector.and_then(Value::as_object));
            json!(if selector.is_empty() {
                "<none>".to_owned()
            } else {
                selector
            })
        }),
    ]
}

fn cron_job() -> Vec<Column<'static>> {
    vec![
        string("Schedule", |value, _| value["spec"]["schedule"].clone()),
        string("Timezone", |value, _| {
            json!(text(value, &["spec", "timeZone"]).unwrap_or("<none>"))
        }),
        Column::built_in("Suspend", "boolean", |value, _| {
            let is_suspended = value["spec"]["suspend"] == true;
            json!(if is_suspended { "True" } else { "False" })
        }),
        integer("Active", |value, _| {
            json!(value["status"]["active"].as_array().map_or(0, Vec::len))
        }),
        string("Last Schedule", |value, clock| {
            let time = text(value, &["status", "lastScheduleTime"]);
            let seconds = time.and_then(|time| clock.seconds_since(time));
            json!(seconds.map_or_else(|| "<none>".to_owned(), age::human))
        }),
    ]
}

fn number(value: &Value, path: &[&str]) -> i64 {
    at(value, path).and_then(Value::as_i64).unwrap_or(0)
}

fn status(value: &Value, name: &str) -> Value {
    json!(number(value, &["status", name]))
}

fn has_condition(value: &Value, kind: &str) -> bool {
    let mut conditions = value["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    conditions.any(|one| one["type"] == kind && one["status"] == "True")
}

fn ready_of_replicas(value: &Value, _: &Clock) -> Value {
    let ready = number(value, &["status", "readyReplicas"]);
    json!(format!("{ready}/{}", number(value, &["spec", "replicas"])))
}

fn job_status(value: &Value, _: &Clock) -> Value {
    let known = ["Complete", "Failed"]
        .into_iter()
        .find(|kind| has_condition(value, kind));
    let waits = ["Suspended", "FailureTarget", "SuccessCriteriaMet"].into_iter();
    json!(match known {
        Some(kind) => kind,
        None if is_deleting(value) => "Terminating",
        None => waits
            .into_iter()
            .find(|kind| has_condition(value, kind))
            .unwrap_or("Running"),
    })
}

fn job_completions(value: &Value, _: &Clock) -> Value {
    let succeeded = number(value, &["status", "succeeded"]);
    let parallel = number(value, &["spec", "parallelism"]);
    json!(match value["spec"]["completions"].as_i64() {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        None => format!("{succeeded}/1"),
    })
}

fn job_duration(value: &Value, clock: &Clock) -> Value {
    let since =
        |name: &str| text(value, &["status", name]).and_then(|time| clock.seconds_since(time));
    let Some(started) = since("startTime") else {
        return json!("");
    };
    let ended = since("completionTime").unwrap_or_default();
    json!(age::human(started.saturating_sub(ended)))
}
