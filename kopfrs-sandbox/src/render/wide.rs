//! The columns that only `-o wide` shows, after the age.

use serde_json::{Map, Value};

use crate::object::{at, text};

const NONE: &str = "<none>";

/// A column's name and what is in it.
pub(super) type Wide = (&'static str, fn(&Value) -> String);

const POD: &[Wide] = &[
    ("IP", |pod| or_none(text(pod, &["status", "podIP"]))),
    ("Node", |pod| or_none(text(pod, &["spec", "nodeName"]))),
    ("Nominated Node", |pod| {
        or_none(text(pod, &["status", "nominatedNodeName"]))
    }),
    ("Readiness Gates", readiness_gates),
];
const CONTAINERS: Wide = ("Containers", |value| containers(value, "name"));
const IMAGES: Wide = ("Images", |value| containers(value, "image"));
const SELECTOR: Wide = ("Selector", |value| {
    label_selector(&value["spec"]["selector"])
});
const WORKLOAD: &[Wide] = &[CONTAINERS, IMAGES, SELECTOR];
const SERVICE: &[Wide] = &[("Selector", |service| {
    or_none(Some(&labels(service["spec"]["selector"].as_object())))
})];

const BINDING: &[Wide] = &[
    ("Users", |binding| subjects(binding, "User")),
    ("Groups", |binding| subjects(binding, "Group")),
    ("ServiceAccounts", |binding| {
        subjects(binding, "ServiceAccount")
    }),
];

/// The columns of a kind.
pub(super) fn of(kind: &str) -> &'static [Wide] {
    match kind {
        "Pod" => POD,
        "Service" => SERVICE,
        "PersistentVolumeClaim" => &[("VolumeMode", |claim| {
            text(claim, &["spec", "volumeMode"])
                .unwrap_or("<unset>")
                .to_owned()
        })],
        "RoleBinding" | "ClusterRoleBinding" => BINDING,
        "StatefulSet" => &[CONTAINERS, IMAGES],
        "CronJob" | "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" => WORKLOAD,
        _ => &[],
    }
}

/// Who of one sort is bound.
fn subjects(binding: &Value, kind: &str) -> String {
    let subjects = binding["subjects"].as_array().into_iter().flatten();
    let of_kind = subjects.filter(|subject| subject["kind"] == kind);
    let shown = of_kind.map(|subject| {
        let name = text(subject, &["name"]).unwrap_or_default();
        let namespace = text(subject, &["namespace"]).filter(|_| kind == "ServiceAccount");
        namespace.map_or_else(
            || name.to_owned(),
            |namespace| format!("{namespace}/{name}"),
        )
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn or_none(text: Option<&str>) -> String {
    let text = text.filter(|text| !text.is_empty());
    text.unwrap_or(NONE).to_owned()
}

fn readiness_gates(pod: &Value) -> String {
    let Some(gates) = pod["spec"]["readinessGates"].as_array() else {
        return NONE.to_owned();
    };
    let conditions = pod["status"]["conditions"].as_array();
    let is_true = |gate: &&Value| {
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|one| one["type"] == gate["conditionType"] && one["status"] == "True")
    };
    let met = gates.iter().filter(is_true).count();
    format!("{met}/{}", gates.len())
}

/// A member of each container that a workload's template has.
fn containers(value: &Value, member: &str) -> String {
    let templates = [
        &["spec", "jobTemplate", "spec", "template"][..],
        &["spec", "template"],
    ];
    let template = templates.into_iter().find_map(|path| at(value, path));
    let containers = template.and_then(|template| template["spec"]["containers"].as_array());
    let members = containers.into_iter().flatten();
    let members: Vec<&str> = members
        .filter_map(|container| container[member].as_str())
        .collect();
    members.join(",")
}

pub(super) fn labels(labels: Option<&Map<String, Value>>) -> String {
    let labels = labels.into_iter().flatten();
    let labels: Vec<String> = labels
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    labels.join(",")
}

/// A selector as it is written for people.
fn label_selector(selector: &Value) -> String {
    let mut parts = vec![labels(selector["matchLabels"].as_object())];
    for one in selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let key = one["key"].as_str().unwrap_or_default();
        let values = one["values"].as_array().into_iter().flatten();
        let values: Vec<&str> = values.filter_map(Value::as_str).collect();
        let values = values.join(",");
        parts.push(match one["operator"].as_str() {
            Some("In") => format!("{key} in ({values})"),
            Some("NotIn") => format!("{key} notin ({values})"),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.retain(|part| !part.is_empty());
    or_none(Some(&parts.join(",")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cells(kind: &str, value: &Value) -> Vec<String> {
        of(kind).iter().map(|(_, cell)| cell(value)).collect()
    }

    #[test]
    fn pods_show_where_they_are() {
        assert_eq!(cells("Pod", &json!({})), [NONE; 4]);
        let pod = json!({
            "spec": {"nodeName": "n", "readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]},
            "status": {"podIP": "10.0.0.1", "conditions": [{"type": "b", "status": "True"}]},
        });
        assert_eq!(cells("Pod", &pod), ["10.0.0.1", "n", NONE, "1/2"]);
    }

    #[test]
    fn workloads_show_what_they_run_and_select() {
        let template = json!({"spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}});
        let expressions = json!([
            {"key": "x", "operator": "In", "values": ["1", "2"]}, {"key": "y", "operator": "Exists"},
        ]);
        let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": expressions});
        let web = json!({"spec": {"template": template, "selector": selector}});
        assert_eq!(
            cells("Deployment", &web),
            ["a,b", "a:1,b:1", "app=web,x in (1,2),y"]
        );
        let daily = json!({"spec": {"jobTemplate": {"spec": {"template": template}}}});
        assert_eq!(cells("CronJob", &daily), ["a,b", "a:1,b:1", NONE]);
        assert_eq!(cells("Service", &json!({"spec": {}})), [NONE]);
    }
}
