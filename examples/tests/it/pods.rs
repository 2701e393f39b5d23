//! The examples after Kopf's that are about pods.

use k8s_openapi::api::core::v1::Pod;
use kopfrs::testing::{Cluster, Objects};
use serde_json::{Value, json};

use crate::kopf::{NAME, OBJECT, kopf_examples};
use crate::program::{Program, get, until};
use crate::{handlers_of, stop};

/// Creates a pod that ends as soon as it is told to.
async fn create(pods: &Objects<Pod>, name: &str, app: &str) {
    let pod = json!({
        "metadata": {"name": name, "labels": {"app": app}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10"}],
        },
    });
    pods.create_from(&pod.to_string()).await;
}

async fn run(pods: &Objects<Pod>, name: &str) {
    // Where there is a kubelet, it does the same.
    let running = json!({"status": {"phase": "Running"}});
    pods.merge_status(name, running).await;
}

#[kopfrs::test]
async fn indexing(cluster: Cluster) {
    let (examples, pods) = (kopf_examples(&cluster).await, cluster.objects::<Pod>());
    create(&pods, "a", NAME).await;
    create(&pods, "b", NAME).await;
    create(&pods, "other", "other").await;
    run(&pods, "a").await;
    examples.create_from(OBJECT).await;
    let setup = cluster.operator().handlers(handlers_of("indexing"));
    let operator = setup.start().await;
    let has = |all: Value, running: Value| {
        move |object: &Value| {
            object["status"]["pods"] == all && object["status"]["running"] == running
        }
    };
    // All pods are known at the first call.
    examples
        .until(NAME, has(json!(["a", "b"]), json!(["a"])))
        .await;
    operator.until_settled().await;
    assert_eq!(operator.calls().handler("count_pods").len(), 1);

    let place = cluster.namespace();
    let beside = |names: &[&str]| {
        let names = names.iter().map(|name| format!("{place}::{name}"));
        let names: Vec<_> = names.collect();
        move |object: &Value| object["status"]["running-pods"] == json!(names)
    };
    examples.until(NAME, beside(&["a"])).await;
    run(&pods, "b").await;
    examples.until(NAME, beside(&["a", "b"])).await;
    pods.delete("a").await;
    pods.until_gone("a").await;
    operator.until_settled().await;
    examples
        .merge(NAME, json!({"spec": {"field": "again"}}))
        .await;
    examples.until(NAME, has(json!(["b"]), json!(["b"]))).await;
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    let (calls, log) = (operator.calls(), operator.log());
    assert!(calls.failed().is_empty(), "{calls:?}");
    assert!(calls.handler("intervalled").len() >= 2, "{calls:?}");
    assert_eq!(log.count("adding the finalizer"), 1, "{log}");
    assert_eq!(log.count("cleanup_fn: 2 pods are left"), 1, "{log}");
}

#[kopfrs::test(wire)]
async fn probes_look_up_indices(cluster: Cluster) {
    kopf_examples(&cluster).await;
    let pods = cluster.objects::<Pod>();
    create(&pods, "a", NAME).await;
    create(&pods, "b", "other").await;
    let kubeconfig = cluster.kubeconfig().to_str().expect("the path is a text");
    let arguments = [
        "--kubeconfig",
        kubeconfig,
        "--namespace",
        cluster.namespace(),
        "--liveness=http://127.0.0.1:0/healthz",
    ];
    let program = Program::start_with(env!("CARGO_BIN_EXE_16-indexing"), &arguments);
    program.until("health is told under http://", 1).await;
    program.until("watching pods", 1).await;
    let line = program
        .line("health is told under http://")
        .expect("it was said");
    let (_, url) = line.split_once("http://").expect("it has a URL");
    let (address, path) = url.split_once('/').expect("it has a path");
    let expected = json!({ "pod_count": 2, "pod_names": ["a", "b"] });
    until("the answer of the probes", || async {
        let (code, text) = get(address, &format!("/{path}")).await;
        code == 200 && serde_json::from_str::<Value>(&text).is_ok_and(|told| told == expected)
    })
    .await;
    program.stop().await.assert_calm();
}

#[kopfrs::test]
async fn builtins(cluster: Cluster) {
    let pods = cluster.objects::<Pod>();
    create(&pods, "early", "x").await;
    let setup = cluster.operator().handlers(handlers_of("builtins"));
    let operator = setup.start().await;
    create(&pods, "late", "x").await;
    operator.until_settled().await;
    pods.delete("early").await;
    pods.until_gone("early").await;
    assert_eq!(pods.list().await.len(), 1);
    pods.until_gone("late").await;
    operator.until_settled().await;
    stop(&operator).await;
    let (calls, log) = (operator.calls(), operator.log());
    assert_eq!(
        calls.handler("pod_in_sight").succeeded().len(),
        2,
        "{calls:?}"
    );
    assert_eq!(
        calls.handler("pod_is_deleted").succeeded().len(),
        2,
        "{calls:?}"
    );
    assert_eq!(log.count("early is deleted, before its time"), 1, "{log}");
    assert_eq!(log.count("the time of early has come"), 0, "{log}");
    assert_eq!(log.count("late is deleted, as it was time"), 1, "{log}");
}
