//! What is wrong with probes and with hooks of the life cycle.

use crate::{error::FieldError, strategy::field::Field};

const HANDLERS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

pub(super) fn validate(probe: &Field<'_>, errors: &mut Vec<FieldError>) {
    if probe.is_null() {
        return;
    }
    validate_handler(probe, errors);
    for name in [
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ] {
        errors.extend(probe.member(name).not_negative());
    }
    let threshold = probe.member("successThreshold");
    let must_be_one = !probe.path.ends_with("readinessProbe");
    if must_be_one && threshold.value.as_i64().is_some_and(|number| number != 1) {
        errors.push(threshold.invalid("must be 1"));
    }
}

/// Exactly one thing is to be done.
pub(super) fn validate_handler(handler: &Field<'_>, errors: &mut Vec<FieldError>) {
    if handler.is_null() {
        return;
    }
    let mut given = HANDLERS
        .iter()
        .map(|name| handler.member(name))
        .filter(|one| !one.is_null());
    let Some(first) = given.next() else {
        errors.push(handler.required("must specify a handler type"));
        return;
    };
    let kind = first.path.rsplit('.').next().unwrap_or_default();
    validate_action(kind, &first, errors);
    errors.extend(given.map(|other| other.forbidden("may not specify more than 1 handler type")));
}

fn validate_action(kind: &str, action: &Field<'_>, errors: &mut Vec<FieldError>) {
    if kind == "exec" {
        let command = action.member("command");
        if command.is_empty() {
            errors.push(command.required(""));
        }
        return;
    }
    errors.extend(action.member("port").port());
    if kind == "httpGet" {
        let path = action.member("path");
        if path.text().is_empty() {
            errors.push(path.required(""));
        }
        errors.extend(action.member("scheme").one_of(&["HTTP", "HTTPS"]));
    }
}
