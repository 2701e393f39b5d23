//! The table of Nodes.

use serde_json::{Value, json};

use super::columns::{Column, string};
use crate::object::text;

const ROLE: &str = "node-role.kubernetes.io/";
const ROLE_OF_OLD: &str = "kubernetes.io/role";

/// The columns between the name and the age.
pub(super) fn columns() -> Vec<Column<'static>> {
    vec![
        string("Status", |node, _| json!(status(node))),
        string("Roles", |node, _| json!(roles(node))),
    ]
}

/// The columns after the age.
pub(super) fn late_columns() -> Vec<Column<'static>> {
    vec![
        string("Version", |node, _| {
            json!(text(node, &["status", "nodeInfo", "kubeletVersion"]).unwrap_or_default())
        }),
        string("Internal-IP", |node, _| json!(address(node, "InternalIP"))).only_wide(),
        string("External-IP", |node, _| json!(address(node, "ExternalIP"))).only_wide(),
        string("OS-Image", |node, _| json!(told(node, "osImage"))).only_wide(),
        string("Kernel-Version", |node, _| {
            json!(told(node, "kernelVersion"))
        })
        .only_wide(),
        string("Container-Runtime", |node, _| {
            json!(told(node, "containerRuntimeVersion"))
        })
        .only_wide(),
    ]
}

fn told<'a>(node: &'a Value, name: &str) -> &'a str {
    let told = text(node, &["status", "nodeInfo", name]);
    told.filter(|told| !told.is_empty()).unwrap_or("<unknown>")
}

fn status(node: &Value) -> String {
    let mut conditions = node["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    let ready = conditions.find(|one| one["type"] == "Ready");
    let state = match ready {
        Some(ready) if ready["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let is_closed = node["spec"]["unschedulable"] == true;
    format!(
        "{state}{}",
        if is_closed { ",SchedulingDisabled" } else { "" }
    )
}

fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let mut roles: Vec<&str> = labels
        .filter_map(|(key, value)| match key.strip_prefix(ROLE) {
            Some(role) => Some(role),
            None if key == ROLE_OF_OLD => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        "<none>".to_owned()
    } else {
        roles.join(",")
    }
}

fn address<'a>(node: &'a Value, kind: &str) -> &'a str {
    let mut addresses = node["status"]["addresses"].as_array().into_iter().flatten();
    let found = addresses.find(|one| one["type"] == kind);
    found.map_or("<none>", |one| text(one, &["address"]).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_show_whether_they_are_ready_and_what_they_are_for() {
        let node = json!({
            "metadata": {"labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge"}},
            "spec": {"unschedulable": true},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            },
        });
        assert_eq!(status(&node), "Ready,SchedulingDisabled");
        assert_eq!(roles(&node), "edge,worker");
        assert_eq!(address(&node, "InternalIP"), "10.0.0.1");
        let bare = json!({"metadata": {}});
        let shown = (status(&bare), roles(&bare), address(&bare, "ExternalIP"));
        assert_eq!(shown, ("Unknown".into(), "<none>".into(), "<none>"));
        assert_eq!(told(&bare, "osImage"), "<unknown>");
    }
}
