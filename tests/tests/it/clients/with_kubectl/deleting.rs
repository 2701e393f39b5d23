//! `delete` with its three ways to deal with dependents, by selector, and of what is held.

use kopfrs::testing::Cluster;
use kopfrs_tests::untested;

use super::{Kubectl, finish, has};

/// A ConfigMap that owns another one.
async fn family(kubectl: &Kubectl, owner: &str) {
    kubectl.ok(&format!("create configmap {owner}")).await;
    let uid = kubectl
        .ok(&format!(
            "get configmap {owner} -o jsonpath='{{.metadata.uid}}'"
        ))
        .await;
    let reference = format!(
        "{{apiVersion: v1, kind: ConfigMap, name: {owner}, uid: {uid}, blockOwnerDeletion: true}}"
    );
    let child = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {owner}-child, ownerReferences: [{reference}]}}}}"
    );
    kubectl.ok_with("create -f -", &child).await;
}

#[kopfrs::test(wire)]
async fn dependents_go_before_after_or_not_at_all(cluster: Cluster) {
    if !untested::runs(&cluster, "the garbage collector") {
        return;
    }
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    for policy in ["background", "foreground", "orphan"] {
        family(kubectl, policy).await;
        let line = format!("delete configmap {policy} --cascade={policy} --timeout 50s");
        has(
            &kubectl.ok(&line).await,
            &[&format!("configmap \"{policy}\" deleted")],
        );
        has(
            &kubectl.refused(&format!("get configmap {policy}")).await,
            &["NotFound"],
        );
    }
    kubectl
        .ok("wait configmap background-child --for delete --timeout 50s")
        .await;
    has(
        &kubectl.refused("get configmap foreground-child").await,
        &["NotFound"],
    );
    let orphan = kubectl.json("get configmap orphan-child").await;
    assert!(orphan["metadata"]["ownerReferences"].is_null(), "{orphan}");
}

#[kopfrs::test(wire)]
async fn what_is_held_is_waited_for(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let held =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, finalizers: [example.com/hold]}}";
    kubectl.ok_with("create -f -", held).await;
    let refused = kubectl.refused("delete configmap held --timeout 5s").await;
    has(&refused, &["timed out waiting for the condition"]);
    let deleting = kubectl.spawn("delete configmap held --timeout 50s");
    kubectl
        .ok(r#"patch configmap held --type merge -p '{"metadata":{"finalizers":null}}'"#)
        .await;
    let outcome = finish(deleting, "delete", "").await;
    // Who comes too late finds nothing to delete.
    assert!(
        outcome.code == 0 || outcome.err.contains("NotFound"),
        "{outcome:?}"
    );
    has(&kubectl.refused("get configmap held").await, &["NotFound"]);
}

#[kopfrs::test(wire)]
async fn many_are_deleted_by_selector_or_all(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    for name in ["a", "b", "c"] {
        kubectl.ok(&format!("create secret generic {name}")).await;
    }
    kubectl.ok("label secret a b on=yes").await;
    let told = kubectl.ok("delete secret -l on=yes").await;
    has(&told, &["secret \"a\" deleted", "secret \"b\" deleted"]);
    has(
        &kubectl
            .ok("delete secret c nothing --ignore-not-found")
            .await,
        &["secret \"c\" deleted"],
    );
    has(&kubectl.refused("delete secret c").await, &["NotFound"]);
    kubectl.ok("run pod --image web:1").await;
    has(
        &kubectl
            .ok("delete pod --all --grace-period 0 --force --timeout 50s")
            .await,
        &["pod \"pod\""],
    );
}
