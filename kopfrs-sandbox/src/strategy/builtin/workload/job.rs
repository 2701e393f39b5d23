//! What is wrong with Jobs and CronJobs, and what may change in a Job.

use serde_json::{Value, json};

use super::{schedule, validation};
use crate::{error::FieldError, object::meta, strategy::field::Field};

const OWN_LABEL: &str = "batch.kubernetes.io/controller-uid";
/// What a CronJob adds to the names of its Jobs is to fit, too.
const LONGEST_CRON_JOB: usize = 52;

pub(in crate::strategy::builtin) fn validate_job(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = Field::root(value, "spec");
    let selector = spec.member("selector");
    if selector.is_null() {
        errors.push(selector.required(""));
    }
    selector.selector(&mut errors);
    let own = json!({"matchLabels": {OWN_LABEL: meta(value, "uid")}});
    let manual = *spec.member("manualSelector").value == true;
    if !manual && !selector.is_null() && *selector.value != own {
        errors.push(selector.invalid("`selector` not auto-generated"));
    }
    validation::validate_labels(&spec, &mut errors);
    validate_job_spec(&spec, &mut errors);
    errors
}

fn validate_job_spec(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    for name in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "backoffLimitPerIndex",
        "ttlSecondsAfterFinished",
    ] {
        errors.extend(spec.member(name).not_negative());
    }
    let mode = spec.member("completionMode");
    errors.extend(mode.one_of(&["NonIndexed", "Indexed"]));
    let completions = spec.member("completions");
    if mode.text() == "Indexed" && completions.is_null() {
        errors.push(completions.required("when completion mode is Indexed"));
    }
    let policies = ["Failed", "TerminatingOrFailed"];
    errors.extend(spec.member("podReplacementPolicy").one_of(&policies));
    validation::validate_pods(spec, errors);
    let policy = spec
        .member("template")
        .member("spec")
        .member("restartPolicy");
    match policy.text() {
        "" | "Always" => errors.push(policy.required("valid values: \"OnFailure\", \"Never\"")),
        _ => {}
    }
}

pub(in crate::strategy::builtin) fn validate_job_update(
    new: &Value,
    old: &Value,
) -> Vec<FieldError> {
    let (after, before) = (&new["spec"], &old["spec"]);
    let mut frozen = vec![
        "selector",
        "completionMode",
        "podFailurePolicy",
        "backoffLimitPerIndex",
    ];
    // An elastic indexed Job changes both numbers together.
    let is_elastic =
        after["completionMode"] == "Indexed" && after["completions"] == after["parallelism"];
    if !is_elastic {
        frozen.push("completions");
    }
    // What has not begun may still be scheduled elsewhere.
    let waits = before["suspend"] == true && old["status"]["startTime"].is_null();
    if !waits {
        frozen.push("template");
    }
    let changed = frozen
        .into_iter()
        .filter(|name| after[name] != before[name]);
    changed
        .map(|name| FieldError::immutable(format!("spec.{name}"), &after[name]))
        .collect()
}

pub(in crate::strategy::builtin) fn validate_cron_job(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = Field::root(value, "spec");
    let when = spec.member("schedule");
    let text = when.text();
    if text.is_empty() {
        errors.push(when.required(""));
    } else if text.contains("TZ") {
        errors
            .push(when.invalid("cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
    } else if let Err(why) = schedule::check(text) {
        errors.push(when.invalid(&why));
    }
    for name in [
        "startingDeadlineSeconds",
        "successfulJobsHistoryLimit",
        "failedJobsHistoryLimit",
    ] {
        errors.extend(spec.member(name).not_negative());
    }
    let policies = ["Allow", "Forbid", "Replace"];
    errors.extend(spec.member("concurrencyPolicy").one_of(&policies));
    validate_job_spec(&spec.member("jobTemplate").member("spec"), &mut errors);
    let name = meta(value, "name");
    if name.len() > LONGEST_CRON_JOB {
        let why = format!("must be no more than {LONGEST_CRON_JOB} characters");
        errors.push(FieldError::invalid("metadata.name", &json!(name), why));
    }
    errors
}
