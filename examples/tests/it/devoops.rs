//! The operator with a kind of its own.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use crate::{handlers_of, rights, stop};

pub(crate) const DEMO: &str = include_str!("../../devoops/manifests/demo.yaml");

/// The life of a demo, whether its status has an endpoint of its own or not.
async fn life(cluster: &Cluster, definition: &str) {
    cluster.apply(definition).await;
    let (demos, pods) = (
        cluster.kind("demo.devoops.io").await,
        cluster.objects::<Pod>(),
    );
    let operator = cluster
        .operator()
        .handlers(handlers_of("devoops"))
        .start()
        .await;
    demos.create_from(DEMO).await;
    operator.until_succeeded("create").await;
    let pod = pods.get("demo-1").await;
    let owner = &pod.metadata.owner_references.unwrap()[0];
    assert_eq!((&*owner.kind, &*owner.name), ("Demo", "demo-1"));
    assert_eq!(pod.metadata.labels.unwrap()["app"], "demo");
    let has_pod = |demo: &Value| demo["status"]["pod"] == "demo-1";
    demos.until("demo-1", has_pod).await;
    demos
        .merge("demo-1", json!({"spec": {"image": "other:1"}}))
        .await;
    operator.until_succeeded("update").await;
    demos.delete("demo-1").await;
    demos.until_gone("demo-1").await;
    pods.until_gone("demo-1").await;
    stop(&operator).await;
    let calls = operator.calls();
    let expected = [
        "wait_for_start",
        "log_in",
        "create",
        "update",
        "delete",
        "say_goodbye",
    ];
    assert_eq!(calls.ids(), expected);
    let log = operator.log();
    for line in [
        r#"update: spec.image: "registry.k8s.io/pause:3.10" → "other:1""#,
        "delete: the pod demo-1 is removed",
    ] {
        assert_eq!(log.count(line), 1, "{line} in:\n{log}");
    }
}

/// The kinds have one name, so all that needs one of them comes one after the other.
#[kopfrs::test]
async fn devoops_with_and_without_a_status_endpoint_and_with_few_rights(cluster: Cluster) {
    let definition = include_str!("../../devoops/manifests/crd.yaml");
    life(&cluster, definition).await;
    rights::suffice(&cluster).await;
    rights::are_named_where_they_lack(&cluster).await;
    let definitions = cluster.objects::<CustomResourceDefinition>();
    definitions.delete("demo.devoops.io").await;
    definitions.until_gone("demo.devoops.io").await;
    life(
        &cluster,
        include_str!("../../devoops/without-status/crd.yaml"),
    )
    .await;
}
