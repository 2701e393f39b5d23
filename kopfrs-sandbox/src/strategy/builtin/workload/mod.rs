//! Workload kinds, with a real server's defaults.

mod job;
mod schedule;
mod validation;

use serde_json::{Value, json};

pub(super) use self::{
    job::{validate_cron_job, validate_job, validate_job_update},
    validation::{
        selector_is_immutable, validate_daemon_set, validate_deployment, validate_replica_set,
        validate_stateful_set, validate_stateful_set_update,
    },
};
use super::pod;
use crate::object::{Fields, child_mut, fields_mut};

fn default(fields: &mut Fields, name: &str, value: Value) {
    fields.entry(name).or_insert(value);
}

fn template_defaults(spec: &mut Fields) {
    let template = spec.entry("template").or_insert_with(|| json!({}));
    pod::spec_defaults(child_mut(template, "spec"));
}

fn common(value: &mut Value) -> &mut Fields {
    let fields = fields_mut(value);
    default(fields, "status", json!({}));
    let spec = child_mut(value, "spec");
    template_defaults(spec);
    spec
}

pub(super) fn deployment_defaults(value: &mut Value) {
    let spec = common(value);
    default(spec, "replicas", json!(1));
    default(spec, "revisionHistoryLimit", json!(10));
    default(spec, "progressDeadlineSeconds", json!(600));
    let strategy = child_or_new(spec, "strategy");
    default(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == "RollingUpdate" {
        let rolling = child_or_new(strategy, "rollingUpdate");
        default(rolling, "maxUnavailable", json!("25%"));
        default(rolling, "maxSurge", json!("25%"));
    }
}

fn child_or_new<'a>(fields: &'a mut Fields, name: &str) -> &'a mut Fields {
    fields_mut(fields.entry(name).or_insert_with(|| json!({})))
}

pub(super) fn replica_set_defaults(value: &mut Value) {
    let spec = common(value);
    default(spec, "replicas", json!(1));
    default(child_mut(value, "status"), "replicas", json!(0));
}

pub(super) fn stateful_set_defaults(value: &mut Value) {
    let spec = common(value);
    default(spec, "replicas", json!(1));
    default(spec, "podManagementPolicy", json!("OrderedReady"));
    default(spec, "revisionHistoryLimit", json!(10));
    default(
        spec,
        "updateStrategy",
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
    );
    default(
        spec,
        "persistentVolumeClaimRetentionPolicy",
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
    );
    let policy = child_or_new(spec, "persistentVolumeClaimRetentionPolicy");
    default(policy, "whenDeleted", json!("Retain"));
    default(policy, "whenScaled", json!("Retain"));
    let claims = spec.get_mut("volumeClaimTemplates");
    for claim in claims.and_then(Value::as_array_mut).into_iter().flatten() {
        let fields = fields_mut(claim);
        default(fields, "apiVersion", json!("v1"));
        default(fields, "kind", json!("PersistentVolumeClaim"));
        default(child_mut(claim, "spec"), "volumeMode", json!("Filesystem"));
        default(child_mut(claim, "status"), "phase", json!("Pending"));
    }
    let status = child_mut(value, "status");
    default(status, "replicas", json!(0));
    default(status, "availableReplicas", json!(0));
}

pub(super) fn daemon_set_defaults(value: &mut Value) {
    let spec = common(value);
    default(spec, "revisionHistoryLimit", json!(10));
    let rolling = json!({"maxUnavailable": 1, "maxSurge": 0});
    default(
        spec,
        "updateStrategy",
        json!({"type": "RollingUpdate", "rollingUpdate": rolling}),
    );
    let status = child_mut(value, "status");
    for name in [
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
    ] {
        default(status, name, json!(0));
    }
}

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// A DaemonSet counts its templates, for clients of long ago.
pub(super) fn prepare_daemon_set(value: &mut Value) {
    number_template(value, 1);
}

/// A new template has the next number.
pub(super) fn count_templates(new: &mut Value, old: &Value) {
    let number = old["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
    let number: i64 = number.and_then(|text| text.parse().ok()).unwrap_or(1);
    let is_new = new["spec"]["template"] != old["spec"]["template"];
    number_template(new, number + i64::from(is_new));
}

fn number_template(value: &mut Value, number: i64) {
    let annotations = child_or_new(crate::object::metadata_mut(value), "annotations");
    annotations.insert(TEMPLATE_GENERATION.to_owned(), json!(number.to_string()));
}

fn job_spec_defaults(spec: &mut Fields) {
    template_defaults(spec);
    default(spec, "backoffLimit", json!(6));
    default(spec, "completionMode", json!("NonIndexed"));
    default(spec, "suspend", json!(false));
    default(spec, "podReplacementPolicy", json!("TerminatingOrFailed"));
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        default(spec, "completions", json!(1));
    }
    default(spec, "parallelism", json!(1));
}

pub(super) fn job_defaults(value: &mut Value) {
    default(fields_mut(value), "status", json!({}));
    let spec = child_mut(value, "spec");
    job_spec_defaults(spec);
    default(spec, "manualSelector", json!(false));
    label_job(value);
}

/// A Job without labels has those of its Pods.
fn label_job(value: &mut Value) {
    let labels = value["spec"]["template"]["metadata"]["labels"].clone();
    if labels.as_object().is_some_and(|labels| !labels.is_empty()) {
        default(crate::object::metadata_mut(value), "labels", labels);
    }
}

/// A Job selects its Pods by its uid, unless it says how.
pub(super) fn prepare_job(value: &mut Value) {
    let uid = crate::object::meta(value, "uid").to_owned();
    let name = crate::object::meta(value, "name").to_owned();
    let spec = child_mut(value, "spec");
    if spec.get("manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    let wanted = child_or_new(child_or_new(spec, "selector"), "matchLabels");
    wanted.insert("batch.kubernetes.io/controller-uid".to_owned(), json!(uid));
    let template = spec.entry("template").or_insert_with(|| json!({}));
    let labels = child_or_new(child_mut(template, "metadata"), "labels");
    for prefix in ["", "batch.kubernetes.io/"] {
        labels.insert(format!("{prefix}controller-uid"), json!(uid));
        labels.insert(format!("{prefix}job-name"), json!(name));
    }
    label_job(value);
}

pub(super) fn cron_job_defaults(value: &mut Value) {
    default(fields_mut(value), "status", json!({}));
    let spec = child_mut(value, "spec");
    default(spec, "concurrencyPolicy", json!("Allow"));
    default(spec, "suspend", json!(false));
    default(spec, "successfulJobsHistoryLimit", json!(3));
    default(spec, "failedJobsHistoryLimit", json!(1));
    let template = spec.entry("jobTemplate").or_insert_with(|| json!({}));
    child_mut(template, "metadata");
    let job = child_mut(template, "spec");
    template_defaults(job);
    child_mut(&mut job["template"], "metadata");
}
