//! What Pods say that a server lets pass with a warning.

use serde_json::Value;

pub(in crate::strategy::builtin) fn warnings(value: &Value) -> Vec<String> {
    let spec = &value["spec"];
    let mut found = Vec::new();
    for list in ["initContainers", "containers"] {
        for (index, container) in items(&spec[list]).enumerate() {
            let path = format!("spec.{list}[{index}]");
            repeated_ports(container, &path, &mut found);
            hidden_variables(container, &path, &mut found);
        }
    }
    for (index, secret) in items(&spec["imagePullSecrets"]).enumerate() {
        if secret["name"].as_str().unwrap_or_default().is_empty() {
            found.push(format!(
                "spec.imagePullSecrets[{index}].name: invalid empty name \"\""
            ));
        }
    }
    found
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn repeated_ports(container: &Value, path: &str, found: &mut Vec<String>) {
    let ports: Vec<&Value> = items(&container["ports"]).collect();
    let same = |one: &Value, other: &Value| {
        ["containerPort", "protocol", "hostPort", "hostIP"]
            .iter()
            .all(|name| one[name] == other[name])
    };
    for (index, port) in ports.iter().enumerate() {
        if let Some(first) = ports[..index].iter().position(|other| same(port, other)) {
            found.push(format!(
                "{path}.ports[{index}]: duplicate port definition with {path}.ports[{first}]"
            ));
        }
    }
}

fn hidden_variables(container: &Value, path: &str, found: &mut Vec<String>) {
    let names: Vec<&str> = items(&container["env"])
        .map(|variable| variable["name"].as_str().unwrap_or_default())
        .collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            found.push(format!(
                "{path}.env[{index}]: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_twice_is_warned_of() {
        let port = json!({"containerPort": 80, "protocol": "TCP"});
        let variable = json!({"name": "a", "value": "1"});
        let container = json!({"ports": [port, port], "env": [variable, variable]});
        let found = warnings(&json!({"spec": {"containers": [container]}}));
        assert_eq!(
            found,
            [
                "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
                "spec.containers[0].env[1]: hides previous definition of \"a\", which may be dropped when using apply",
            ]
        );
    }
}
