//! What is wrong with a container.

use serde_json::json;

use super::{probe, resources};
use crate::{
    error::FieldError,
    strategy::{
        field::{Field, Names},
        names,
    },
};

pub(super) const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const LARGEST_ID: i64 = 2_147_483_647;

pub(super) fn validate(container: &Field<'_>, volumes: &Names, errors: &mut Vec<FieldError>) {
    let name = container.member("name");
    if name.text().is_empty() {
        errors.push(name.required(""));
    } else {
        errors.extend(name.name(names::label));
    }
    let image = container.member("image");
    if image.text().is_empty() {
        errors.push(image.required(""));
    }
    let policies = ["File", "FallbackToLogsOnError"];
    errors.extend(
        container
            .member("terminationMessagePolicy")
            .one_of(&policies),
    );
    let policies = ["Always", "IfNotPresent", "Never"];
    errors.extend(container.member("imagePullPolicy").one_of(&policies));
    validate_ports(&container.member("ports"), errors);
    for variable in container.member("env").items() {
        validate_variable(&variable, errors);
    }
    validate_mounts(&container.member("volumeMounts"), volumes, errors);
    resources::validate(&container.member("resources"), errors);
    validate_identity(&container.member("securityContext"), errors);
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        probe::validate(&container.member(name), errors);
    }
    for name in ["postStart", "preStop"] {
        probe::validate_handler(&container.member("lifecycle").member(name), errors);
    }
}

fn validate_ports(ports: &Field<'_>, errors: &mut Vec<FieldError>) {
    let mut names = Names::default();
    for port in ports.items() {
        let name = port.member("name");
        if !name.text().is_empty() {
            let wrong = name.name(names::port_name);
            if wrong.is_empty() {
                errors.extend(names.note(&name));
            }
            errors.extend(wrong);
        }
        let number = port.member("containerPort");
        if number.value.as_i64().unwrap_or_default() == 0 {
            errors.push(number.required(""));
        } else {
            errors.extend(number.port());
        }
        let host = port.member("hostPort");
        if *host.value != 0 {
            errors.extend(host.port());
        }
        errors.extend(port.member("protocol").one_of(&PROTOCOLS));
    }
}

fn validate_variable(variable: &Field<'_>, errors: &mut Vec<FieldError>) {
    let name = variable.member("name");
    if name.text().is_empty() {
        errors.push(name.required(""));
    } else {
        errors.extend(name.name(names::variable_name));
    }
    let from = variable.member("valueFrom");
    if from.is_null() {
        return;
    }
    let sources = [
        "fieldRef",
        "resourceFieldRef",
        "configMapKeyRef",
        "secretKeyRef",
        "fileKeyRef",
    ];
    let given: Vec<Field<'_>> = sources.iter().map(|name| from.member(name)).collect();
    let count = given.iter().filter(|source| !source.is_null()).count();
    let why = if count == 0 {
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
    } else if !variable.member("value").text().is_empty() {
        "may not be specified when `value` is not empty"
    } else if count > 1 {
        "may not have more than one field specified at a time"
    } else {
        ""
    };
    if !why.is_empty() {
        errors.push(from.invalid_as(&json!(""), why));
    }
    validate_path(&given[0].member("fieldPath"), errors);
    for reference in &given[2..4] {
        let key = reference.member("key");
        if !reference.is_null() && key.text().is_empty() {
            errors.push(key.required(""));
        }
    }
}

/// The parts of a Pod that a variable may show.
fn validate_path(path: &Field<'_>, errors: &mut Vec<FieldError>) {
    const PATHS: [&str; 9] = [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ];
    let text = path.text();
    let is_entry = |prefix: &str| {
        let rest = text.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with("['") && rest.ends_with("']"))
    };
    if path.is_null() || PATHS.contains(&text) {
        return;
    }
    if is_entry("metadata.labels") || is_entry("metadata.annotations") {
        return;
    }
    if text.is_empty() {
        errors.push(path.required(""));
        return;
    }
    let why = format!("error converting fieldPath: field label not supported: {text}");
    errors.push(path.invalid(&why));
}

fn validate_mounts(mounts: &Field<'_>, volumes: &Names, errors: &mut Vec<FieldError>) {
    let mut paths = Vec::new();
    for mount in mounts.items() {
        let name = mount.member("name");
        if name.text().is_empty() {
            errors.push(name.required(""));
        }
        if !volumes.has(name.text()) {
            errors.push(name.not_found());
        }
        let path = mount.member("mountPath");
        if path.text().is_empty() {
            errors.push(path.required(""));
        }
        if paths.contains(&path.text()) {
            errors.push(path.invalid("must be unique"));
        }
        paths.push(path.text());
    }
}

/// The users and groups that processes run as.
pub(super) fn validate_identity(context: &Field<'_>, errors: &mut Vec<FieldError>) {
    for name in ["runAsUser", "runAsGroup", "fsGroup"] {
        errors.extend(context.member(name).within(0, LARGEST_ID));
    }
}
