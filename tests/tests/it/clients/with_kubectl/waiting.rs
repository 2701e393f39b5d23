//! `wait` for conditions, values and deletions, and `rollout`.

use kopfrs::testing::Cluster;

use super::{Kubectl, finish, has};

const STATUS: &str = "--subresource status --type merge -p";

#[kopfrs::test(wire)]
async fn wait_ends_when_a_condition_holds(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok("run web --image web:1").await;
    let late = kubectl
        .refused("wait pod web --for condition=Ready --timeout 1s")
        .await;
    has(&late, &["timed out waiting for the condition on pods/web"]);
    let waiting = kubectl.spawn("wait pod web --for condition=Ready --timeout 50s");
    let ready = r#"'{"status":{"conditions":[{"type":"Ready","status":"True"}]}}'"#;
    kubectl.ok(&format!("patch pod web {STATUS} {ready}")).await;
    let outcome = finish(waiting, "wait", "").await;
    assert_eq!(outcome.out.trim(), "pod/web condition met", "{outcome:?}");
}

#[kopfrs::test(wire)]
async fn wait_ends_when_a_value_is_there(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl
        .ok("create configmap m --from-literal phase=Begun")
        .await;
    let waiting =
        kubectl.spawn("wait configmap m --for jsonpath='{.data.phase}'=Done --timeout 50s");
    kubectl
        .ok(r#"patch configmap m --type merge -p '{"data":{"phase":"Done"}}'"#)
        .await;
    let outcome = finish(waiting, "wait", "").await;
    assert_eq!(
        outcome.out.trim(),
        "configmap/m condition met",
        "{outcome:?}"
    );
}

#[kopfrs::test(wire)]
async fn wait_ends_when_the_object_is_gone_or_made(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let making = kubectl.spawn("wait configmap m --for create --timeout 50s");
    kubectl.ok("create configmap m").await;
    let outcome = finish(making, "wait", "").await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let going = kubectl.spawn("wait configmap m --for delete --timeout 50s");
    kubectl.ok("delete configmap m").await;
    let outcome = finish(going, "wait", "").await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    kubectl
        .ok("wait configmap m --for delete --timeout 50s")
        .await;
}

#[kopfrs::test(wire)]
async fn rollouts_are_told_of(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl
        .ok("create deployment web --image web:1 --replicas 0")
        .await;
    // What a controller would write; where there is one, it writes the same.
    let status = r#"'{"status":{"observedGeneration":1}}'"#;
    kubectl
        .ok(&format!("patch deployment web {STATUS} {status}"))
        .await;
    let told = kubectl
        .ok("rollout status deployment web --timeout 50s")
        .await;
    has(&told, &["deployment \"web\" successfully rolled out"]);
    has(
        &kubectl.ok("rollout restart deployment web").await,
        &["deployment.apps/web restarted"],
    );
    has(
        &kubectl.ok("rollout pause deployment web").await,
        &["deployment.apps/web paused"],
    );
    has(
        &kubectl.ok("rollout resume deployment web").await,
        &["deployment.apps/web resumed"],
    );
}
