//! `create KIND`, `run` and `expose`: objects made from flags, sent in protobuf where kubectl does so.

use serde_json::json;

use kopfrs::testing::Cluster;

use super::{Kubectl, has};

#[kopfrs::test(wire)]
async fn every_generator_makes_its_object(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let made = [
        (
            "configmap settings --from-literal a=1",
            "configmap/settings",
        ),
        ("secret generic till --from-literal pin=1234", "secret/till"),
        (
            "secret docker-registry hub --docker-username u --docker-password p",
            "secret/hub",
        ),
        ("serviceaccount robot", "serviceaccount/robot"),
        (
            "role reader --verb get,list --resource pods",
            "role.rbac.authorization.k8s.io/reader",
        ),
        (
            "rolebinding readers --role reader --serviceaccount default:robot",
            "rolebinding.rbac.authorization.k8s.io/readers",
        ),
        (
            "deployment web --image web:1 --replicas 0",
            "deployment.apps/web",
        ),
        ("job once --image job:1", "job.batch/once"),
        (
            "cronjob daily --image job:1 --schedule '0 0 * * *'",
            "cronjob.batch/daily",
        ),
        ("service clusterip db --tcp 5432:5432", "service/db"),
    ];
    for (arguments, object) in made {
        let told = kubectl.ok(&format!("create {arguments}")).await;
        assert_eq!(told.trim(), format!("{object} created"));
        has(
            &kubectl.ok(&format!("get {object} -o name")).await,
            &[object],
        );
        has(
            &kubectl.refused(&format!("create {arguments}")).await,
            &["already exists"],
        );
    }
    let job = kubectl.json("get job once").await;
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "job:1");
    let cron = kubectl.json("get cronjob daily").await;
    assert_eq!(cron["spec"]["schedule"], "0 0 * * *");
    let role = kubectl.json("get role reader").await;
    assert_eq!(role["rules"][0]["verbs"], json!(["get", "list"]));
}

#[kopfrs::test(wire)]
async fn a_job_is_made_from_a_cron_job(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl
        .ok("create cronjob daily --image job:1 --schedule '0 0 1 1 *'")
        .await;
    kubectl.ok("create job now --from cronjob/daily").await;
    let job = kubectl.json("get job now").await;
    assert_eq!(job["metadata"]["ownerReferences"][0]["name"], "daily");
}

#[kopfrs::test(wire)]
async fn namespaces_are_made_and_used(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let name = format!("{}-b", kubectl.namespace());
    let told = kubectl.ok(&format!("create namespace {name}")).await;
    assert_eq!(told.trim(), format!("namespace/{name} created"));
    kubectl.ok(&format!("create configmap m -n {name}")).await;
    has(&kubectl.ok("get configmap -A").await, &[&name, " m "]);
    kubectl
        .ok(&format!("delete namespace {name} --timeout 240s"))
        .await;
    has(
        &kubectl.refused(&format!("get namespace {name}")).await,
        &["NotFound"],
    );
}

#[kopfrs::test(wire)]
async fn a_dry_run_makes_nothing(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    for kind in ["client", "server"] {
        let line = format!("create configmap m --from-literal a=1 --dry-run={kind} -o yaml");
        has(&kubectl.ok(&line).await, &["a: \"1\"", "name: m"]);
    }
    has(&kubectl.refused("get configmap m").await, &["NotFound"]);
}

#[kopfrs::test(wire)]
async fn pods_are_run_and_exposed(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let told = kubectl
        .ok("run web --image web:1 --port 80 --labels app=web")
        .await;
    assert_eq!(told.trim(), "pod/web created");
    let told = kubectl
        .ok("expose pod web --name front --port 8080 --target-port 80")
        .await;
    assert_eq!(told.trim(), "service/front exposed");
    let service = kubectl.json("get service front").await;
    assert_eq!(service["spec"]["selector"], json!({"app": "web"}));
    assert_eq!(service["spec"]["ports"][0]["targetPort"], 80);
}
