//! Pods, and pod specs wherever they are found.
//!
//! There is no kubelet: a Pod gets the defaults a server gives it and stays Pending until someone writes its status.

mod advice;
mod container;
mod probe;
mod resources;
mod update;
pub(super) mod validation;
mod volume;

use serde_json::{Value, json};

pub(super) use self::{
    advice::warnings,
    update::validate_update,
    validation::{validate, validate_spec},
};

use crate::{
    object::{Fields, child_mut, fields_mut},
    quantity::Quantity,
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
    tolerate_lost_nodes(spec);
    if spec.get("hostNetwork").and_then(Value::as_bool) == Some(true) {
        host_ports(spec);
    }
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

/// Every Pod stays five minutes on a node that is lost, unless it says otherwise.
fn tolerate_lost_nodes(spec: &mut Fields) {
    let list = spec.entry("tolerations").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        let tolerates = |one: &Value| {
            let any = |name: &str| one[name].as_str().unwrap_or_default().is_empty();
            (one["key"] == key || (any("key") && one["operator"] == "Exists"))
                && (one["effect"] == "NoExecute" || any("effect"))
        };
        if !list.iter().any(tolerates) {
            list.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            }));
        }
    }
}

/// On the node's own network the ports of a container are the node's.
fn host_ports(spec: &mut Fields) {
    let containers = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|name| spec.get(name).and_then(Value::as_array).map(|_| name))
        .collect::<Vec<_>>();
    for name in containers {
        let list = spec.get_mut(name).and_then(Value::as_array_mut);
        for container in list.into_iter().flatten() {
            let ports = container.get_mut("ports").and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten() {
                let number = port["containerPort"].clone();
                default(fields_mut(port), "hostPort", number);
            }
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
    let account = spec.get("serviceAccountName").cloned();
    if let Some(account) = account.filter(|name| name != "") {
        default(spec, "serviceAccount", account);
    }
    let volumes = spec.get_mut("volumes").and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        volume::defaults(fields_mut(volume));
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
    variable_defaults(container);
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name).and_then(Value::as_object_mut) {
            probe_defaults(probe);
        }
    }
    for name in ["postStart", "preStop"] {
        let hook = container
            .get_mut("lifecycle")
            .and_then(|hooks| hooks.get_mut(name));
        if let Some(hook) = hook.and_then(Value::as_object_mut) {
            handler_defaults(hook);
        }
    }
}

fn variable_defaults(container: &mut Fields) {
    let variables = container.get_mut("env").and_then(Value::as_array_mut);
    for variable in variables.into_iter().flatten() {
        let Some(from) = variable.get_mut("valueFrom") else {
            continue;
        };
        if let Some(source) = from.get_mut("fieldRef") {
            default(fields_mut(source), "apiVersion", json!("v1"));
        }
        if let Some(source) = from.get_mut("resourceFieldRef") {
            default(fields_mut(source), "divisor", json!("0"));
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
    handler_defaults(probe);
    if let Some(grpc) = probe.get_mut("grpc").and_then(Value::as_object_mut) {
        default(grpc, "service", json!(""));
    }
}

/// What probes and hooks of the life cycle share.
fn handler_defaults(handler: &mut Fields) {
    if let Some(get) = handler.get_mut("httpGet").and_then(Value::as_object_mut) {
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
    let class = quality(&value["spec"]);
    fields_mut(value).insert(
        "status".to_owned(),
        json!({"phase": "Pending", "qosClass": class}),
    );
}

/// How well a Pod is treated when its node runs short: by what its containers ask for.
fn quality(spec: &Value) -> &'static str {
    let all = ["containers", "initContainers"].into_iter();
    let containers: Vec<&Value> = all
        .filter_map(|name| spec[name].as_array())
        .flatten()
        .collect();
    let amount = |container: &Value, kind: &str, name: &str| {
        let amount = container["resources"][kind][name].as_str();
        amount
            .and_then(Quantity::parse)
            .filter(|amount| amount.is_positive())
    };
    let asks = |container: &&Value| {
        let mut kinds = ["requests", "limits"].into_iter();
        kinds.any(|kind| {
            ["cpu", "memory"]
                .iter()
                .any(|name| amount(container, kind, name).is_some())
        })
    };
    let full = |container: &&Value| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = amount(container, "limits", name);
            let request = amount(container, "requests", name);
            matches!((limit, request), (Some(limit), Some(request)) if !limit.is_more_than(request) && !request.is_more_than(limit))
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
