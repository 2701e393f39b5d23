//! The examples after Kopf's that are whole programs: one with a bit of everything, one with an operator inside.

use std::process::Stdio;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kopfrs::testing::Cluster;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::handlers_of;
use crate::kopf::{NAME, OBJECT, kopf_examples};

#[kopfrs::test]
async fn all_at_once(cluster: Cluster) {
    let (examples, pods) = (kopf_examples(&cluster).await, cluster.objects::<Pod>());
    let setup = cluster.operator().handlers(handlers_of("all_at_once"));
    let operator = setup.start().await;
    examples.create_from(OBJECT).await;
    let is_done = |object: &Value| object["status"]["create_2"]["job2-status"] == 100;
    let object = examples.until(NAME, is_done).await;
    assert_eq!(object["status"]["create_1"], json!({"job1-status": 100}));
    let pod = pods.get(&format!("{NAME}-once")).await;
    let labels = pod.metadata.labels.unwrap_or_default();
    assert_eq!(labels["application"], "kopf-example-10");
    assert_eq!(labels["somelabel"], "somevalue");
    operator.until_said("this pod is special for us").await;
    cluster.until_event(NAME, "AnyReason").await;
    cluster.until_event(NAME, "SomeReason").await;

    examples.merge(NAME, json!({"spec": {"lst": [1, 2]}})).await;
    operator.until_succeeded("update_lst/spec.lst").await;
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    operator.stop().await;
    let (calls, log) = (operator.calls(), operator.log());
    for handler in [
        "startup_fn_simple",
        "startup_fn_retried",
        "create_1",
        "create_2",
        "create_pod",
        "update",
        "update_lst/spec.lst",
        "delete",
        "cleanup_fn",
    ] {
        let succeeded = calls.handler(handler).succeeded();
        assert_eq!(succeeded.len(), 1, "{handler} in {calls:?}");
    }
    assert_eq!(calls.handler("startup_fn_retried").len(), 4, "{calls:?}");
    assert_eq!(calls.handler("create_2").len(), 2, "{calls:?}");
    assert!(!log.contains("panicked"), "{log}");
}

#[kopfrs::test(wire)]
async fn embedded(cluster: Cluster) {
    kopf_examples(&cluster).await;
    let program = Command::new(env!("CARGO_BIN_EXE_12-embedded"))
        .env("KUBECONFIG", cluster.kubeconfig())
        .env("NAMESPACE", cluster.namespace())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(Duration::from_secs(60), program).await;
    let output = ended.expect("it ends").expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for number in 0..3 {
        let name = format!("kopf-example-{number}");
        assert_eq!(
            said.matches(&format!("Hello, {name}!")).count(),
            1,
            "{said}"
        );
        assert_eq!(
            said.matches(&format!("Good bye, {name}!")).count(),
            1,
            "{said}"
        );
    }
    assert!(said.ends_with("Exiting the main app.\n"), "{said}");
}
