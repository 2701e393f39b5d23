//! What is wrong with workloads that keep Pods running, and what may change in them.

use serde_json::Value;

use crate::{
    error::FieldError,
    selector::LabelSelector,
    strategy::{builtin::pod, field::Field},
};

const MISMATCH: &str = "`selector` does not match template `labels`";

pub(in crate::strategy::builtin) fn validate_deployment(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = Field::root(value, "spec");
    validate_counts(
        &spec,
        &["replicas", "minReadySeconds", "revisionHistoryLimit"],
        &mut errors,
    );
    validate_required_selector(&spec, "deployment", &mut errors);
    validate_chosen_template(&spec, "invalid label selector", &mut errors);
    validate_strategy(&spec.member("strategy"), &mut errors);
    let ready = spec
        .member("minReadySeconds")
        .value
        .as_i64()
        .unwrap_or_default();
    let deadline = spec.member("progressDeadlineSeconds");
    errors.extend(deadline.not_negative());
    if deadline
        .value
        .as_i64()
        .is_some_and(|seconds| seconds <= ready)
    {
        errors.push(deadline.invalid("must be greater than minReadySeconds"));
    }
    errors
}

pub(in crate::strategy::builtin) fn validate_replica_set(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = Field::root(value, "spec");
    validate_counts(&spec, &["replicas", "minReadySeconds"], &mut errors);
    // A real server calls it a deployment, too.
    validate_required_selector(&spec, "deployment", &mut errors);
    validate_chosen_template(&spec, "invalid label selector", &mut errors);
    errors
}

pub(in crate::strategy::builtin) fn validate_stateful_set(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = Field::root(value, "spec");
    validate_counts(&spec, &["replicas", "minReadySeconds"], &mut errors);
    validate_required_selector(&spec, "statefulset", &mut errors);
    validate_chosen_template(&spec, "", &mut errors);
    let policies = ["OrderedReady", "Parallel"];
    let policy = spec.member("podManagementPolicy");
    if policy.one_of(&policies).is_some() {
        let why = format!("must be '{}' or '{}'", policies[0], policies[1]);
        errors.push(policy.invalid(&why));
    }
    let kind = spec.member("updateStrategy").member("type");
    if kind.one_of(&["RollingUpdate", "OnDelete"]).is_some() {
        let field = spec.member("updateStrategy");
        errors.push(field.invalid("must be 'RollingUpdate' or 'OnDelete'"));
    }
    let rolling = spec.member("updateStrategy").member("rollingUpdate");
    let starts = [
        rolling.member("partition"),
        spec.member("ordinals").member("start"),
    ];
    errors.extend(starts.iter().filter_map(Field::not_negative));
    let kept = spec.member("persistentVolumeClaimRetentionPolicy");
    for name in ["whenDeleted", "whenScaled"] {
        errors.extend(kept.member(name).one_of(&["Retain", "Delete"]));
    }
    errors
}

pub(in crate::strategy::builtin) fn validate_daemon_set(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = Field::root(value, "spec");
    validate_counts(
        &spec,
        &["minReadySeconds", "revisionHistoryLimit"],
        &mut errors,
    );
    let selector = spec.member("selector");
    selector.selector(&mut errors);
    if is_empty(&selector) && !selector.is_null() {
        errors.push(selector.invalid("empty selector is invalid for daemonset"));
    } else if is_readable(&selector) {
        validate_labels(&spec, &mut errors);
    }
    validate_template(&spec, &mut errors);
    errors
}

fn validate_counts(spec: &Field<'_>, names: &[&str], errors: &mut Vec<FieldError>) {
    errors.extend(
        names
            .iter()
            .filter_map(|name| spec.member(name).not_negative()),
    );
}

fn is_empty(selector: &Field<'_>) -> bool {
    let labels = selector.member("matchLabels");
    let labels = labels
        .value
        .as_object()
        .is_some_and(|labels| !labels.is_empty());
    !labels && selector.member("matchExpressions").is_empty()
}

fn is_readable(selector: &Field<'_>) -> bool {
    let mut errors = Vec::new();
    selector.selector(&mut errors);
    errors.is_empty()
}

fn validate_required_selector(spec: &Field<'_>, owner: &str, errors: &mut Vec<FieldError>) {
    let selector = spec.member("selector");
    if selector.is_null() {
        errors.push(selector.required(""));
        return;
    }
    selector.selector(errors);
    if is_empty(&selector) {
        errors.push(selector.invalid(&format!("empty selector is invalid for {owner}")));
    }
}

/// The template, if the selector can be read at all; `unreadable` is said when it cannot.
fn validate_chosen_template(spec: &Field<'_>, unreadable: &str, errors: &mut Vec<FieldError>) {
    let selector = spec.member("selector");
    if !is_readable(&selector) {
        let mut message = format!("Invalid value: {}", selector.value);
        if !unreadable.is_empty() {
            message = format!("{message}: {unreadable}");
        }
        errors.push(FieldError::new("FieldValueInvalid", selector.path, message));
        return;
    }
    if selector.is_null() || !is_empty(&selector) {
        validate_labels(spec, errors);
    }
    validate_template(spec, errors);
}

pub(super) fn validate_labels(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let selector = spec.member("selector");
    let template = spec.member("template");
    let chosen = !selector.is_null() && LabelSelector::of(selector.value).matches(template.value);
    if !chosen {
        let labels = template.member("metadata").member("labels");
        errors.push(labels.invalid(MISMATCH));
    }
}

/// Pods that are to run on and on are started again whenever they end.
fn validate_template(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    validate_pods(spec, errors);
    let pods = spec.member("template").member("spec");
    let policy = pods.member("restartPolicy");
    if matches!(policy.text(), "Never" | "OnFailure") {
        errors.extend(policy.one_of(&["Always"]));
    }
    let deadline = pods.member("activeDeadlineSeconds");
    if !deadline.is_null() {
        errors.push(deadline.forbidden("activeDeadlineSeconds in ReplicaSet is not Supported"));
    }
}

pub(super) fn validate_pods(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let template = spec.member("template");
    template.member("metadata").member("labels").labels(errors);
    let pods = template.member("spec");
    pod::validate_spec(pods.value, &pods.path, errors);
}

fn validate_strategy(strategy: &Field<'_>, errors: &mut Vec<FieldError>) {
    let kind = strategy.member("type");
    let rolling = strategy.member("rollingUpdate");
    match kind.text() {
        "Recreate" => {
            if !rolling.is_null() {
                let why = "may not be specified when strategy `type` is 'Recreate'";
                errors.push(rolling.forbidden(why));
            }
        }
        "RollingUpdate" => validate_rolling(&rolling, errors),
        _ => {
            // The value is shown in the words of the server's own types.
            let message = format!(
                "Unsupported value: {{\"Type\":{},\"RollingUpdate\":null}}: supported values: \"Recreate\", \"RollingUpdate\"",
                kind.value
            );
            let path = strategy.path.as_str();
            errors.push(FieldError::new("FieldValueNotSupported", path, message));
        }
    }
}

fn validate_rolling(rolling: &Field<'_>, errors: &mut Vec<FieldError>) {
    let (unavailable, surge) = (rolling.member("maxUnavailable"), rolling.member("maxSurge"));
    for part in [&unavailable, &surge] {
        if part.value.is_string() && percent(part).is_none() {
            let why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
            errors.push(part.invalid(why));
        }
        errors.extend(part.not_negative());
    }
    let is_none = |part: &Field<'_>| *part.value == 0 || percent(part) == Some(0);
    if is_none(&unavailable) && is_none(&surge) {
        errors.push(unavailable.invalid("may not be 0 when `maxSurge` is 0"));
    }
    if percent(&unavailable).is_some_and(|percent| percent > 100) {
        errors.push(unavailable.invalid("must not be greater than 100%"));
    }
}

fn percent(field: &Field<'_>) -> Option<u64> {
    let digits = field.text().strip_suffix('%')?;
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

pub(in crate::strategy::builtin) fn selector_is_immutable(
    new: &Value,
    old: &Value,
) -> Vec<FieldError> {
    let after = &new["spec"]["selector"];
    if *after == old["spec"]["selector"] {
        return Vec::new();
    }
    vec![FieldError::immutable("spec.selector", after)]
}

pub(in crate::strategy::builtin) fn validate_stateful_set_update(
    new: &Value,
    old: &Value,
) -> Vec<FieldError> {
    const FREE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |value: &Value| {
        let mut spec = value["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.retain(|name, _| !FREE.contains(&name.as_str()));
        }
        spec
    };
    if fixed(new) == fixed(old) {
        return Vec::new();
    }
    let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    vec![FieldError::forbidden("spec", why)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(selector: &Value, template: &Value) -> Value {
        json!({"spec": {"selector": selector, "template": template, "strategy": {"type": "Recreate"}}})
    }

    fn template() -> Value {
        json!({
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        })
    }

    fn texts(errors: &[FieldError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_selector_must_choose_its_own_template() {
        let good = deployment(&json!({"matchLabels": {"a": "b"}}), &template());
        assert!(validate_deployment(&good).is_empty());
        let other = deployment(&json!({"matchLabels": {"a": "c"}}), &template());
        let found = texts(&validate_deployment(&other));
        let expected =
            format!("spec.template.metadata.labels: Invalid value: {{\"a\":\"b\"}}: {MISMATCH}");
        assert_eq!(found, [expected]);
    }

    #[test]
    fn an_unreadable_selector_hides_what_is_wrong_with_the_template() {
        let selector = json!({"matchExpressions": [{"key": "a", "operator": "Odd"}]});
        let found = texts(&validate_deployment(&deployment(&selector, &json!({}))));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].ends_with("invalid label selector"));
    }
}
