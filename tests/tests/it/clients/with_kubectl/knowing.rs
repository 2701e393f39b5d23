//! What `kubectl` asks of the server itself: kinds, schemas, rights, versions.

use kopfrs::testing::Cluster;

use super::{Kubectl, has, rows};

#[kopfrs::test(wire)]
async fn kinds_and_versions_are_listed(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let kinds = rows(&kubectl.ok("api-resources").await);
    for row in [
        "configmaps cm v1 true ConfigMap",
        "deployments deploy apps/v1 true Deployment",
        "customresourcedefinitions crd,crds apiextensions.k8s.io/v1 false CustomResourceDefinition",
        "leases coordination.k8s.io/v1 true Lease",
    ] {
        assert!(kinds.iter().any(|kind| kind == row), "{row}: {kinds:?}");
    }
    let names = kubectl.ok("api-resources --api-group batch -o name").await;
    assert_eq!(rows(&names), ["cronjobs.batch", "jobs.batch"]);
    let verbs = kubectl
        .ok("api-resources --api-group batch --verbs list,watch --no-headers -o wide")
        .await;
    has(
        &verbs,
        &[
            "cronjobs",
            "create,delete,deletecollection,get,list,patch,update,watch",
        ],
    );
    let versions = rows(&kubectl.ok("api-versions").await);
    for version in ["apps/v1", "batch/v1", "events.k8s.io/v1", "v1"] {
        assert!(
            versions.iter().any(|one| one == version),
            "{version}: {versions:?}"
        );
    }
}

#[kopfrs::test(wire)]
async fn fields_are_explained_at_every_depth(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    has(
        &kubectl.ok("explain configmap").await,
        &["KIND:", "ConfigMap", "binaryData", "data", "immutable"],
    );
    let probe = kubectl
        .ok("explain deployment.spec.template.spec.containers.livenessProbe")
        .await;
    has(
        &probe,
        &[
            "GROUP:",
            "apps",
            "KIND:",
            "Deployment",
            "FIELD: livenessProbe <Probe>",
        ],
    );
    has(
        &probe,
        &["failureThreshold\t<integer>", "httpGet\t<HTTPGetAction>"],
    );
    let all = kubectl.ok("explain pod --recursive").await;
    has(
        &all,
        &[
            "spec\t<PodSpec>",
            "containers\t<[]Container>",
            "valueFrom\t<EnvVarSource>",
            "status\t<PodStatus>",
        ],
    );
    let limits = kubectl
        .ok("explain pod.spec.containers.resources.limits")
        .await;
    has(&limits, &["FIELD: limits <map[string]Quantity>"]);
    let port = kubectl.ok("explain service.spec.ports.targetPort").await;
    has(&port, &["FIELD: targetPort <IntOrString>"]);
    has(
        &kubectl.ok("explain crd.spec.versions.schema").await,
        &["openAPIV3Schema"],
    );
    has(
        &kubectl.ok("explain pod.metadata.ownerReferences").await,
        &["blockOwnerDeletion\t<boolean>"],
    );
    has(
        &kubectl.refused("explain pod.spec.nothing").await,
        &["field \"nothing\" does not exist"],
    );
    has(
        &kubectl.refused("explain nothing").await,
        &["the server doesn't have a resource type \"nothing\""],
    );
}

#[kopfrs::test(wire)]
async fn rights_are_told(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    assert_eq!(
        kubectl.ok("auth can-i create deployments").await.trim(),
        "yes"
    );
    has(
        &kubectl.ok("auth can-i --list").await,
        &["Resources", "Verbs", "*.*"],
    );
    has(
        &kubectl.ok("auth whoami").await,
        &["Username", "system:masters"],
    );
    kubectl.ok("create serviceaccount robot").await;
    kubectl
        .ok("create role reader --verb get --resource configmaps")
        .await;
    let namespace = kubectl.namespace();
    let line = format!("create rolebinding robot --role reader --serviceaccount {namespace}:robot");
    kubectl.ok(&line).await;
    let robot = format!("--as system:serviceaccount:{namespace}:robot");
    assert_eq!(
        kubectl
            .ok(&format!("auth can-i get configmaps {robot}"))
            .await
            .trim(),
        "yes"
    );
    let denied = kubectl
        .run(&format!("auth can-i delete configmaps {robot}"), "")
        .await;
    assert_eq!((denied.code, denied.out.trim()), (1, "no"), "{denied:?}");
    let refused = kubectl.refused(&format!("get secrets {robot}")).await;
    has(&refused, &["Forbidden", "cannot list resource \"secrets\""]);
    let list = rows(&kubectl.ok(&format!("auth can-i --list {robot}")).await);
    assert!(
        list.iter().any(|row| row == "configmaps [] [] [get]"),
        "{list:?}"
    );
    let token = kubectl.ok("create token robot").await;
    let me = kubectl
        .ok(&format!("auth whoami --token {}", token.trim()))
        .await;
    has(&me, &["Username"]);
}

#[kopfrs::test(wire)]
async fn the_server_tells_its_version_and_health(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    has(
        &kubectl.ok("version").await,
        &["Client Version", "Server Version: v1."],
    );
    has(&kubectl.ok("cluster-info").await, &["is running at"]);
    assert_eq!(kubectl.ok("get --raw /readyz").await.trim(), "ok");
    has(&kubectl.ok("get --raw /version").await, &["\"gitVersion\""]);
}
