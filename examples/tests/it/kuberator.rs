//! What kuberator's examples do, in fewer lines.

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::testing::{Cluster, OperatorHandle};
use serde_json::{Value, json};

use crate::{handlers_of, stop};

async fn start(cluster: &Cluster, example: &str) -> OperatorHandle {
    let handlers = handlers_of(example);
    for definition in handlers.definitions() {
        cluster.apply(&json!(definition).to_string()).await;
    }
    cluster.operator().handlers(handlers).start().await
}

#[kopfrs::test]
async fn config_maps_are_told_of(cluster: Cluster) {
    let operator = start(&cluster, "kuberator_basic").await;
    let maps = cluster.objects::<ConfigMap>();
    maps.create_from("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
        .await;
    let said = format!("ConfigMap {}/a was created or updated", cluster.namespace());
    operator.until_said_times(&said, 1).await;
    maps.merge("a", json!({"data": {"x": "y"}})).await;
    operator.until_said_times(&said, 2).await;
    maps.delete("a").await;
    maps.until_gone("a").await;
    stop(&operator).await;
    let calls = operator.calls();
    assert_eq!(calls.of("a").ids(), ["apply", "apply", "clean_up"]);
}

#[kopfrs::test]
async fn a_status_tells_the_generation_that_was_seen(cluster: Cluster) {
    let operator = start(&cluster, "kuberator_status").await;
    let notes = cluster.kind("notes.examples.kopfrs.dev").await;
    notes
        .create_from("{apiVersion: examples.kopfrs.dev/v1, kind: Note, metadata: {name: a}, spec: {message: hello}}")
        .await;
    let seen = |generation: i64| {
        move |note: &Value| {
            note["status"] == json!({"state": "Ready", "observedGeneration": generation})
        }
    };
    notes.until("a", seen(1)).await;
    notes.merge("a", json!({"spec": {"message": "bye"}})).await;
    notes.until("a", seen(2)).await;
    operator.until_settled().await;
    // Its own writes to the status have not called it.
    assert_eq!(operator.calls().of("a").ids(), ["apply", "apply"]);
    notes.delete("a").await;
    notes.until_gone("a").await;
    stop(&operator).await;
}

#[kopfrs::test]
async fn a_status_tells_what_is_wrong_until_it_is_mended(cluster: Cluster) {
    let operator = start(&cluster, "kuberator_errors").await;
    let apps = cluster.kind("apps.examples.kopfrs.dev").await;
    apps.create_from("{apiVersion: examples.kopfrs.dev/v1, kind: App, metadata: {name: a}, spec: {replicas: 0, image: 'nginx:1'}}")
        .await;
    let failed = |problem: &'static str| {
        move |app: &Value| {
            app["status"]["state"] == "Error" && app["status"]["error"]["type"] == problem
        }
    };
    let app = apps.until("a", failed("InvalidReplicas")).await;
    let message = &app["status"]["error"]["message"];
    assert_eq!(message, "0 replicas: 1 to 10 are possible");
    let image = json!({"spec": {"replicas": 1, "image": "nginx"}});
    apps.merge("a", image).await;
    apps.until("a", failed("InvalidImage")).await;
    apps.merge("a", json!({"spec": {"image": "nginx:1"}})).await;
    let is_mended = |app: &Value| app["status"]["state"] == "Ready";
    let app = apps.until("a", is_mended).await;
    assert_eq!(app["status"]["error"], Value::Null);
    assert_eq!(app["status"]["observedGeneration"], 3);
    apps.delete("a").await;
    apps.until_gone("a").await;
    stop(&operator).await;
}

/// Lines with something in them, and those of them that are no comments.
fn lines(source: &str) -> (usize, usize) {
    let lines = source
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let (comments, code): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with("//"));
    (comments.len() + code.len(), code.len())
}

#[test]
fn each_has_fewer_than_a_third_of_the_lines() {
    for (source, non_blank, code) in [
        (include_str!("../../kuberator-basic/main.rs"), 98, 68),
        (include_str!("../../kuberator-status/main.rs"), 139, 113),
        (include_str!("../../kuberator-errors/main.rs"), 216, 181),
    ] {
        let (ours, ours_of_code) = lines(source);
        assert!(3 * ours < non_blank, "{ours} of {non_blank}");
        assert!(3 * ours_of_code < code, "{ours_of_code} of {code}");
    }
}
