//! Events of both groups, stored in the shape of core/v1.

use serde_json::{Value, json};

use super::times::micro_time;
use crate::{
    error::FieldError,
    object::{fields_mut, meta},
    strategy::{field::Field, names::qualified_name},
};

/// Events are stored in the shape of core/v1, which always shows these.
pub(super) fn event_defaults(value: &mut Value) {
    let fields = fields_mut(value);
    fields.entry("source").or_insert_with(|| json!({}));
    for name in ["firstTimestamp", "lastTimestamp", "eventTime"] {
        fields.entry(name).or_insert(Value::Null);
    }
    for name in ["reportingComponent", "reportingInstance"] {
        fields.entry(name).or_insert_with(|| json!(""));
    }
    for name in ["firstTimestamp", "lastTimestamp"] {
        // metav1.Time has whole seconds, whatever the client sent.
        if let Some(Value::String(time)) = fields.get_mut(name)
            && let Some(seconds) = crate::clock::parse_rfc3339(time)
        {
            *time = crate::clock::rfc3339(seconds);
        }
    }
}

pub(super) fn event_types(value: &Value) -> Result<(), String> {
    micro_time(&value["eventTime"])?;
    micro_time(&value["series"]["lastObservedTime"])
}

/// Namespaces whose events may be about what has no namespace.
const SHARED: [&str; 2] = ["default", "kube-system"];

pub(super) fn validate_event(value: &Value) -> Vec<FieldError> {
    validate_legacy(value, "reportingComponent")
}

/// Events of events.k8s.io/v1 say more than those of core/v1; the errors name the stored fields.
pub(super) fn validate_event_v1(value: &Value) -> Vec<FieldError> {
    validate_legacy(value, "reportingController")
}

/// What both groups demand. `controller` is what the field is called that names who reports.
fn validate_legacy(value: &Value, controller: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let about = Field::root(value, "involvedObject").member("namespace");
    let own = meta(value, "namespace");
    if value["eventTime"].is_null() {
        let agrees = own == about.text() || (about.text().is_empty() && own == "default");
        if !agrees {
            errors.push(about.invalid_as(&json!(about.text()), "does not match event.namespace"));
        }
        return errors;
    }
    if about.text().is_empty() && !SHARED.contains(&own) {
        errors.push(about.invalid_as(&json!(""), "does not match event.namespace"));
    }
    let reporter = value["reportingComponent"].as_str().unwrap_or_default();
    if reporter.is_empty() {
        errors.push(FieldError::required(controller, ""));
    }
    let wrong = qualified_name(reporter);
    errors.extend(
        wrong
            .iter()
            .map(|why| FieldError::invalid(controller, &json!(reporter), why)),
    );
    for (name, limit) in [("reportingInstance", 128), ("action", 128), ("reason", 128)] {
        let field = Field::root(value, name);
        if field.text().is_empty() {
            errors.push(field.required(""));
        }
        errors.extend(too_long(&field, limit));
    }
    errors.extend(too_long(&Field::root(value, "message"), 1024));
    errors
}

fn too_long(field: &Field<'_>, limit: usize) -> Option<FieldError> {
    let why = format!("can have at most {limit} characters");
    (field.text().len() > limit).then(|| field.invalid_as(&json!(""), &why))
}

/// What a new event of events.k8s.io/v1 must have, and what it has no more.
pub(super) fn validate_new_event_v1(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    errors.extend(validate_series(value));
    if value["eventTime"].is_null() {
        errors.push(FieldError::required("eventTime", ""));
    }
    let kind = Field::root(value, "type");
    if !["Normal", "Warning"].contains(&kind.text()) {
        let why = format!("has invalid value: {}", kind.text());
        errors.push(kind.invalid_as(&json!(""), &why));
    }
    let source = &value["source"];
    let unset = |text: &Value| text.as_str().unwrap_or_default().is_empty();
    let present = [
        ("firstTimestamp", !value["firstTimestamp"].is_null()),
        ("lastTimestamp", !value["lastTimestamp"].is_null()),
        ("count", value["count"].as_i64().unwrap_or_default() != 0),
        (
            "source",
            !unset(&source["component"]) || !unset(&source["host"]),
        ),
    ];
    let present = present.into_iter().filter(|(_, is_set)| *is_set);
    errors.extend(
        present.map(|(name, _)| FieldError::invalid(name, &json!(""), "needs to be unset")),
    );
    errors
}

fn validate_series(value: &Value) -> Vec<FieldError> {
    let series = Field::root(value, "series");
    let mut errors = Vec::new();
    if series.is_null() {
        return errors;
    }
    let count = series.member("count");
    if count.value.as_i64().unwrap_or_default() < 2 {
        errors.push(count.invalid_as(&json!(""), "should be at least 2"));
    }
    let time = series.member("lastObservedTime");
    if time.is_null() {
        errors.push(time.required(""));
    }
    errors
}

/// In events.k8s.io/v1 only the series of an event goes on.
pub(super) fn validate_event_v1_update(new: &Value, old: &Value) -> Vec<FieldError> {
    const FROZEN: [(&str, &str); 13] = [
        ("involvedObject", "involvedObject"),
        ("reason", "reason"),
        ("message", "message"),
        ("source", "source"),
        ("firstTimestamp", "firstTimestamp"),
        ("lastTimestamp", "lastTimestamp"),
        ("count", "count"),
        ("type", "type"),
        ("eventTime", "eventTime"),
        ("action", "action"),
        ("related", "related"),
        ("reportingComponent", "reportingController"),
        ("reportingInstance", "reportingInstance"),
    ];
    let mut errors = Vec::new();
    if new["series"] != old["series"] {
        errors.extend(validate_series(new));
    }
    let changed = FROZEN
        .into_iter()
        .filter(|(stored, _)| new[stored] != old[stored]);
    errors.extend(changed.map(|(stored, shown)| FieldError::immutable(shown, &new[stored])));
    errors
}
