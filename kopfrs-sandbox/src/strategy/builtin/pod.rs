//! Pods, and pod specs wherever they are found.
//!
//! There is no kubelet: a Pod gets the defaults a server gives it and stays Pending until someone writes its status.

use serde_json::{Value, json};

use crate::{
    error::FieldError,
    object::{Fields, child_mut, fields_mut},
    strategy::names,
};

fn default(fields: &mut Fields, name: &str, value: Value) {
    fields.entry(name).or_insert(value);
}

pub(super) fn defaults(value: &mut Value) {
    address_defaults(value);
    let spec = child_mut(value, "spec");
    spec_defaults(spec);
    default(spec, "enableServiceLinks", json!(true));
    default(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    default(spec, "priority", json!(0));
    default(
        spec,
        "tolerations",
        json!([
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
        ]),
    );
    for name in ["containers", "initContainers"] {
        for container in spec
            .get_mut(name)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            limits_are_requests(container);
        }
    }
}

/// In a Pod (not in a template) limits without requests become requests.
fn limits_are_requests(container: &mut Value) {
    let Some(limits) = container["resources"]
        .get("limits")
        .and_then(Value::as_object)
        .cloned()
    else {
        return;
    };
    let requests = child_mut(&mut container["resources"], "requests");
    for (name, limit) in limits {
        requests.entry(name).or_insert(limit);
    }
}

/// The defaults of every pod spec, templates included.
pub(super) fn spec_defaults(spec: &mut Fields) {
    default(spec, "restartPolicy", json!("Always"));
    default(spec, "terminationGracePeriodSeconds", json!(30));
    default(spec, "dnsPolicy", json!("ClusterFirst"));
    default(spec, "securityContext", json!({}));
    default(spec, "schedulerName", json!("default-scheduler"));
    for name in ["containers", "initContainers"] {
        let containers = spec
            .get_mut(name)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten();
        containers
            .filter_map(Value::as_object_mut)
            .for_each(container_defaults);
    }
    for volume in spec
        .get_mut("volumes")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        for name in ["configMap", "secret", "downwardAPI", "projected"] {
            if let Some(source) = volume.get_mut(name).and_then(Value::as_object_mut) {
                default(source, "defaultMode", json!(420));
            }
        }
    }
}

fn container_defaults(container: &mut Fields) {
    let image = container
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let tag = image
        .rsplit('/')
        .next()
        .and_then(|last| last.split_once(':'))
        .map(|(_, tag)| tag);
    let policy = if tag.is_some_and(|tag| tag != "latest") || image.contains('@') {
        "IfNotPresent"
    } else {
        "Always"
    };
    default(container, "imagePullPolicy", json!(policy));
    default(container, "resources", json!({}));
    default(
        container,
        "terminationMessagePath",
        json!("/dev/termination-log"),
    );
    default(container, "terminationMessagePolicy", json!("File"));
    for port in container
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        default(fields_mut(port), "protocol", json!("TCP"));
    }
    for variable in container
        .get_mut("env")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(source) = variable
            .get_mut("valueFrom")
            .and_then(|from| from.get_mut("fieldRef"))
        {
            default(fields_mut(source), "apiVersion", json!("v1"));
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name).and_then(Value::as_object_mut) {
            probe_defaults(probe);
        }
    }
}

fn probe_defaults(probe: &mut Fields) {
    for (name, value) in [
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ] {
        default(probe, name, json!(value));
    }
    if let Some(get) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
        default(get, "path", json!("/"));
        default(get, "scheme", json!("HTTP"));
    }
}

/// The one address of a Pod is the first of its addresses.
fn address_defaults(value: &mut Value) {
    let address = value["status"]["podIP"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if !address.is_empty() {
        default(
            child_mut(value, "status"),
            "podIPs",
            json!([{"ip": address}]),
        );
    }
}

pub(super) fn prepare(value: &mut Value) {
    let class = quality(&value["spec"]["containers"]);
    fields_mut(value).insert(
        "status".to_owned(),
        json!({"phase": "Pending", "qosClass": class}),
    );
}

fn quality(containers: &Value) -> &'static str {
    let containers = containers.as_array().map(Vec::as_slice).unwrap_or_default();
    let amount =
        |container: &Value, kind: &str, name: &str| container["resources"][kind].get(name).cloned();
    let asks = |container: &Value| {
        ["requests", "limits"]
            .iter()
            .any(|kind| container["resources"][kind].is_object())
    };
    let full = |container: &Value| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = amount(container, "limits", name);
            limit.is_some() && limit == amount(container, "requests", name)
        })
    };
    if !containers.iter().any(asks) {
        "BestEffort"
    } else if containers.iter().all(full) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

pub(super) fn validate(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_spec(&value["spec"], "spec", &mut errors);
    errors
}

/// Validates a pod spec at a path; the messages come in the order of field names, as a real server sorts them.
pub(super) fn validate_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let containers = spec["containers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if containers.is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    for (index, container) in containers.iter().enumerate() {
        let path = format!("{path}.containers[{index}]");
        if container["image"].as_str().unwrap_or_default().is_empty() {
            errors.push(FieldError::required(format!("{path}.image"), ""));
        }
        match container["name"].as_str().unwrap_or_default() {
            "" => errors.push(FieldError::required(format!("{path}.name"), "")),
            name => {
                let found = names::label(name);
                errors.extend(
                    found
                        .iter()
                        .map(|why| FieldError::invalid(format!("{path}.name"), &json!(name), why)),
                );
            }
        }
    }
    let policy = &spec["restartPolicy"];
    let policies = ["Always", "OnFailure", "Never"];
    if policy
        .as_str()
        .is_some_and(|policy| !policies.contains(&policy))
    {
        errors.push(FieldError::unsupported(
            format!("{path}.restartPolicy"),
            policy,
            &policies,
        ));
    }
}
