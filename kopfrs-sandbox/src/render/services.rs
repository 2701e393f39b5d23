//! The table of Services.

use serde_json::{Value, json};

use super::columns::{Column, string};
use crate::{clock::Clock, object::text};

/// The columns between the name and the age.
pub(super) fn columns() -> Vec<Column<'static>> {
    vec![
        string("Type", |service, _| service["spec"]["type"].clone()),
        string("Cluster-IP", |service, _| {
            let address = text(service, &["spec", "clusterIP"]).filter(|given| !given.is_empty());
            json!(address.unwrap_or("<none>"))
        }),
        string("External-IP", |service, _| json!(external(service))),
        string("Port(s)", ports),
    ]
}

/// How it is reached from elsewhere.
fn external(service: &Value) -> String {
    let spec = &service["spec"];
    let given = texts(&spec["externalIPs"], None);
    match text(service, &["spec", "type"]) {
        Some("ClusterIP" | "NodePort") if given.is_empty() => "<none>".to_owned(),
        Some("ClusterIP" | "NodePort") => given.join(","),
        Some("LoadBalancer") => {
            let ingress = &service["status"]["loadBalancer"]["ingress"];
            let balanced = texts(ingress, Some(["ip", "hostname"]));
            let all: Vec<&str> = balanced.into_iter().chain(given).collect();
            if all.is_empty() {
                "<pending>".to_owned()
            } else {
                all.join(",")
            }
        }
        Some("ExternalName") => text(spec, &["externalName"]).unwrap_or_default().to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

/// The texts of a list, or the first of two members of each of its elements.
fn texts<'a>(list: &'a Value, members: Option<[&str; 2]>) -> Vec<&'a str> {
    let elements = list.as_array().into_iter().flatten();
    let read = |element: &'a Value| match members {
        None => element.as_str(),
        Some([first, second]) => text(element, &[first]).or(text(element, &[second])),
    };
    elements.filter_map(read).collect()
}

fn ports(service: &Value, _: &Clock) -> Value {
    let port = |port: &Value| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        match port["nodePort"].as_i64().filter(|node| *node > 0) {
            Some(node) => format!("{}:{node}/{protocol}", port["port"]),
            None => format!("{}/{protocol}", port["port"]),
        }
    };
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let ports: Vec<String> = ports.map(port).collect();
    json!(if ports.is_empty() {
        "<none>".to_owned()
    } else {
        ports.join(",")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_show_how_they_are_reached() {
        let of = |kind: &str| json!({"spec": {"type": kind, "externalName": "a.example"}});
        for (kind, expected) in [
            ("ClusterIP", "<none>"),
            ("NodePort", "<none>"),
            ("LoadBalancer", "<pending>"),
            ("ExternalName", "a.example"),
        ] {
            assert_eq!(external(&of(kind)), expected, "{kind}");
        }
        let mut balanced = of("LoadBalancer");
        balanced["status"]["loadBalancer"]["ingress"] =
            json!([{"ip": "1.1.1.1"}, {"hostname": "b.example"}]);
        balanced["spec"]["externalIPs"] = json!(["2.2.2.2"]);
        assert_eq!(external(&balanced), "1.1.1.1,b.example,2.2.2.2");
    }
}
