//! The operator with a kind of its own, on a cluster and on its sandbox.

use k8s_openapi::api::core::v1::Pod;
use kopfrs_tests::backend::Cluster;
use kube::api::Api;
use serde_json::json;

use crate::program::{Program, until};
use crate::rights;
use crate::stage::{Stage, kind};

/// The life of a demo, whether its status has an endpoint of its own or not.
async fn devoops(definition: &str) {
    let stage = Stage::new(definition, &kind("devoops.io", "Demo")).await;
    let pods: Api<Pod> = Api::namespaced(stage.cluster.client(), stage.namespace.name());
    let program = stage.start(env!("CARGO_BIN_EXE_devoops"));
    program.until("watching demo.v1", 1).await;
    let demo = include_str!("../../devoops/manifests/demo.yaml");
    stage.create(demo).await;
    program.until("create handler succeeded", 1).await;
    let pod = pods.get("demo-1").await.unwrap();
    let owner = &pod.metadata.owner_references.unwrap()[0];
    assert_eq!((&*owner.kind, &*owner.name), ("Demo", "demo-1"));
    assert_eq!(pod.metadata.labels.unwrap()["app"], "demo");
    until("the pod in the status", || async {
        stage.get("demo-1").await.unwrap()["status"]["pod"] == "demo-1"
    })
    .await;
    stage
        .merge("demo-1", json!({"spec": {"image": "other:1"}}))
        .await;
    program.until("update handler succeeded", 1).await;
    stage.delete("demo-1").await;
    until("the end of the pod", || async {
        pods.get_opt("demo-1").await.unwrap().is_none()
    })
    .await;
    let log = program.stop().await;
    log.assert_once("wait_for_start: waiting for the start");
    log.assert_once("log_in: login handler succeeded");
    log.assert_once(r#"update: spec.image: "registry.k8s.io/pause:3.10" → "other:1""#);
    log.assert_once("delete: the pod demo-1 is removed");
    log.assert_once("say_goodbye: cleanup handler succeeded");
    log.assert_calm();
    stage.namespace.delete().await;
}

/// The kinds have one name, so all that needs one of them comes one after the other.
#[test]
fn devoops_with_and_without_a_status_endpoint_and_with_few_rights() {
    Cluster::get().block_on(async {
        let definition = include_str!("../../devoops/manifests/crd.yaml");
        devoops(definition).await;
        rights::suffice(definition).await;
        rights::are_named_where_they_lack(definition).await;
        Cluster::get().uninstall("demo.devoops.io").await;
        devoops(include_str!("../../devoops/without-status/crd.yaml")).await;
    });
}

#[test]
fn the_first_command_of_the_readme() {
    Cluster::get().block_on(async {
        let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/devoops/manifests");
        let program = Program::start_with(
            env!("CARGO_BIN_EXE_devoops"),
            &["--sandbox", "--apply", manifests],
        );
        program
            .until("[default/demo-1] create: create handler succeeded", 1)
            .await;
        program.until("export KUBECONFIG=", 1).await;
        let log = program.stop().await;
        log.assert_once("say_goodbye: cleanup handler succeeded");
        log.assert_calm();
    });
}
