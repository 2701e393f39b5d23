//! What `kubectl` sends besides: queries, media types, patches.

use kopfrs::testing::Cluster;
use kopfrs_tests::untested;
use serde_json::{Value, json};

use super::wire::Sent;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,\
                     application/json";
const WRITE: &str = "fieldManager=kubectl-client-side-apply&fieldValidation=Strict";

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]},
            },
        },
    })
}

#[kopfrs::test(wire)]
async fn apply_creates_then_merges_containers_by_name(cluster: Cluster) {
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments",
        cluster.namespace()
    );
    let json_type = [("content-type", "application/json")];
    Sent::new("POST", format!("{path}?{WRITE}"))
        .headers(&json_type)
        .json(&deployment())
        .ok(&cluster)
        .await;
    let patch = json!({"spec": {"template": {"spec": {
        "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
        "containers": [{"name": "b", "image": "b:2"}],
    }}}});
    let strategic = [("content-type", "application/strategic-merge-patch+json")];
    let patched = Sent::new("PATCH", format!("{path}/web?{WRITE}"))
        .headers(&strategic)
        .json(&patch)
        .ok(&cluster)
        .await;
    let containers = &patched["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["image"], "a:1");
    assert_eq!(containers[1]["image"], "b:2");
    assert_eq!(patched["metadata"]["generation"], 2);

    let scale = [("content-type", "application/merge-patch+json")];
    let scaled = Sent::new("PATCH", format!("{path}/web/scale"))
        .headers(&scale)
        .json(&json!({"spec": {"replicas": 1}}))
        .ok(&cluster)
        .await;
    assert_eq!(
        (&scaled["kind"], &scaled["spec"]["replicas"]),
        (&json!("Scale"), &json!(1))
    );
}

#[kopfrs::test(wire)]
async fn get_prints_a_table(cluster: Cluster) {
    let path = format!("/api/v1/namespaces/{}/configmaps", cluster.namespace());
    let map = json!({"metadata": {"name": "settings"}, "data": {"a": "1", "b": "2"}});
    let json_type = [("content-type", "application/json")];
    Sent::new("POST", &path)
        .headers(&json_type)
        .json(&map)
        .ok(&cluster)
        .await;
    let table = Sent::new(
        "GET",
        format!("{path}?limit=500&fieldSelector=metadata.name%3Dsettings"),
    )
    .headers(&[("accept", TABLE)])
    .ok(&cluster)
    .await;
    assert_eq!(table["kind"], "Table");
    let columns = table["columnDefinitions"].as_array().expect("columns");
    let names: Vec<_> = columns.iter().map(|column| &column["name"]).collect();
    assert_eq!(names, ["Name", "Data", "Age"]);
    assert_eq!(table["rows"][0]["cells"][0], "settings");
    assert_eq!(table["rows"][0]["cells"][1], 2);
}

#[kopfrs::test(wire)]
async fn create_finds_out_that_the_server_validates_fields(cluster: Cluster) {
    let index = Sent::new("GET", "/openapi/v3").ok(&cluster).await;
    let path = &index["paths"]["apis/apps/v1"]["serverRelativeURL"];
    let document = Sent::new("GET", path.as_str().expect("a path"))
        .ok(&cluster)
        .await;
    let operations = document["paths"].as_object().expect("paths");
    let patches = operations.values().filter_map(|path| path.get("patch"));
    let validated = patches
        .filter(|patch| patch["x-kubernetes-group-version-kind"]["kind"] == "Deployment")
        .any(|patch| {
            let parameters = patch["parameters"].as_array().into_iter().flatten();
            parameters
                .into_iter()
                .any(|parameter| parameter["name"] == "fieldValidation")
        });
    assert!(validated);
}

#[kopfrs::test(wire)]
async fn wait_for_deletion_and_delete_in_every_way(cluster: Cluster) {
    let path = format!("/api/v1/namespaces/{}/configmaps", cluster.namespace());
    let json_type = [("content-type", "application/json")];
    let mut policies = vec!["Background"];
    if untested::runs(&cluster, "the garbage collector") {
        policies.extend(["Foreground", "Orphan"]);
    }
    for policy in policies {
        Sent::new("POST", &path)
            .headers(&json_type)
            .json(&json!({"metadata": {"name": "gone"}}))
            .ok(&cluster)
            .await;
        Sent::new("DELETE", format!("{path}/gone"))
            .headers(&json_type)
            .json(&json!({"propagationPolicy": policy}))
            .ok(&cluster)
            .await;
        // As kubectl does: until there is none, or the watch tells so.
        let watch = format!(
            "{path}?allowWatchBookmarks=true&fieldSelector=metadata.name%3Dgone&timeoutSeconds=5&watch=true"
        );
        while Sent::new("GET", format!("{path}/gone"))
            .send(&cluster)
            .await
            .0
            != 404
        {
            let answer = Sent::new("GET", &watch).open(&cluster).await;
            answer.into_body().collect_bytes().await.expect("a stream");
        }
    }
}
