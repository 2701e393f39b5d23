//! What Kopf sends: discovery as it was, JSON patches with a test for finalizers, events with a prefix for a name.

use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use super::wire::Sent;

const HEADERS: [(&str, &str); 2] = [("accept", "*/*"), ("user-agent", "kopf/1.45.2")];

fn definition(group: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("demos.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": "demos", "singular": "demo", "kind": "Demo", "shortNames": ["d"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                }},
            }],
        },
    })
}

fn patch<'a>(path: &str, kind: &'a [(&'a str, &'a str)], body: &Value) -> Sent<'a> {
    Sent::new("PATCH", path).headers(kind).json(body)
}

#[kopfrs::test(wire)]
async fn discovery_shows_what_kopf_decides_by(cluster: Cluster) {
    cluster
        .apply(&definition("discovery.kopf.test").to_string())
        .await;
    let groups = Sent::new("GET", "/apis")
        .headers(&HEADERS)
        .ok(&cluster)
        .await;
    assert_eq!(groups["kind"], "APIGroupList");
    let path = "/apis/discovery.kopf.test/v1";
    let list = Sent::new("GET", path).headers(&HEADERS).ok(&cluster).await;
    let resources = list["resources"].as_array().expect("resources");
    let find = |name: &str| {
        let found = resources.iter().find(|resource| resource["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {list}"))
    };
    let verbs = find("demos")["verbs"].as_array().expect("verbs");
    for verb in ["list", "watch", "patch"] {
        assert!(verbs.iter().any(|one| one == verb), "{verb}");
    }
    assert_eq!(find("demos/status")["kind"], "Demo");
}

#[kopfrs::test(wire)]
async fn finalizers_are_set_against_the_version_that_was_seen(cluster: Cluster) {
    cluster
        .apply(&definition("finalizers.kopf.test").to_string())
        .await;
    let path = format!(
        "/apis/finalizers.kopf.test/v1/namespaces/{}/demos",
        cluster.namespace()
    );
    let demo =
        json!({"apiVersion": "finalizers.kopf.test/v1", "kind": "Demo", "metadata": {"name": "a"}});
    let json_type = [("content-type", "application/json")];
    let made = Sent::new("POST", &path)
        .headers(&json_type)
        .json(&demo)
        .ok(&cluster)
        .await;
    let one = format!("{path}/a");

    let json_patch = [("content-type", "application/json-patch+json")];
    let finalizer = json!(["kopf.zalando.org/KopfFinalizerMarker"]);
    let add = |version: &Value| {
        json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/metadata/finalizers", "value": finalizer},
        ])
    };
    let (status, _) = patch(&one, &json_patch, &add(&json!("1")))
        .send(&cluster)
        .await;
    assert_eq!(status, 422, "Kopf tries again at the next event");
    let version = &made["metadata"]["resourceVersion"];
    let held = patch(&one, &json_patch, &add(version)).ok(&cluster).await;
    assert_eq!(held["metadata"]["finalizers"], finalizer);

    let merge = [("content-type", "application/merge-patch+json")];
    let status = json!({"status": {"create": {"done": true}}});
    patch(&format!("{one}/status"), &merge, &status)
        .ok(&cluster)
        .await;
    Sent::new("DELETE", &one).ok(&cluster).await;
    let deleting = Sent::new("GET", &one).ok(&cluster).await;
    assert!(deleting["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(deleting["status"], status["status"]);

    let remove = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": deleting["metadata"]["resourceVersion"]},
        {"op": "remove", "path": "/metadata/finalizers"},
    ]);
    patch(&one, &json_patch, &remove).ok(&cluster).await;
    assert_eq!(Sent::new("GET", &one).send(&cluster).await.0, 404);
}

#[kopfrs::test(wire)]
async fn events_are_posted_with_a_prefix_for_a_name(cluster: Cluster) {
    let event = json!({
        "metadata": {"namespace": cluster.namespace(), "generateName": "kopf-event-"},
        "action": "Action?", "type": "Normal", "reason": "Logging", "message": "done",
        "reportingComponent": "kopf", "reportingInstance": "dev", "source": {"component": "kopf"},
        "firstTimestamp": "2026-01-01T00:00:00.000001Z", "lastTimestamp": "2026-01-01T00:00:00.000001Z",
        "eventTime": "2026-01-01T00:00:00.000001Z",
        "involvedObject": {
            "apiVersion": "v1", "kind": "ConfigMap", "name": "a", "namespace": cluster.namespace(), "uid": "u",
        },
    });
    let headers = [("content-type", "application/json"), HEADERS[0], HEADERS[1]];
    let path = format!("/api/v1/namespaces/{}/events", cluster.namespace());
    let made = Sent::new("POST", &path)
        .headers(&headers)
        .json(&event)
        .ok(&cluster)
        .await;
    let name = made["metadata"]["name"].as_str().expect("a name");
    assert!(name.starts_with("kopf-event-") && name.len() > "kopf-event-".len());
    assert_eq!(made["metadata"]["managedFields"][0]["manager"], "kopf");
    let query =
        format!("{path}?fieldSelector=involvedObject.kind%3DConfigMap%2CinvolvedObject.name%3Da");
    let found = Sent::new("GET", query).ok(&cluster).await;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
}
