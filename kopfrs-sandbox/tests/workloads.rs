//! Deployments, ReplicaSets and Jobs make Pods; tests play the kubelet.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    batch::v1::Job,
    core::v1::Pod,
};
use kopfrs_sandbox::Sandbox;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

async fn apply(sandbox: &Sandbox, object: &Value) {
    sandbox
        .apply_yaml(&object.to_string())
        .await
        .expect("a good object");
}

fn template(restart: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "a"}},
        "spec": {"restartPolicy": restart, "containers": [{"name": "c", "image": "i:1"}]},
    })
}

fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "a"}}, "template": template("Always"),
        },
    })
}

fn job(spec: &Value) -> Value {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
        "spec": {"template": template("Never")},
    });
    for (name, value) in spec.as_object().into_iter().flatten() {
        job["spec"][name] = value.clone();
    }
    job
}

/// Waits until the Pods are as they should be.
async fn pods(client: &Client, are_right: impl Fn(&[Pod]) -> bool) -> Vec<Pod> {
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    loop {
        let pods = api
            .list(&ListParams::default())
            .await
            .expect("a list")
            .items;
        if are_right(&pods) {
            return pods;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn set_status(client: &Client, pod: &Pod, status: &Value) {
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let patch = Patch::Merge(json!({"status": status}));
    api.patch_status(&pod.name_any(), &PatchParams::default(), &patch)
        .await
        .expect("a status");
}

async fn run(client: &Client, pod: &Pod) {
    let ready =
        json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    set_status(
        client,
        pod,
        &json!({"phase": "Running", "conditions": [ready]}),
    )
    .await;
}

fn image(pod: &Pod) -> &str {
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice());
    containers.unwrap_or_default()[0]
        .image
        .as_deref()
        .unwrap_or_default()
}

fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default()
}

/// Waits until a Deployment is as it should be.
async fn deployed(client: &Client, is_right: impl Fn(&Deployment) -> bool) -> Deployment {
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    loop {
        let deployment = api.get("d").await.expect("there");
        if is_right(&deployment) {
            return deployment;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn condition(deployment: &Deployment, kind: &str) -> Option<String> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions
        .iter()
        .find(|condition| condition.type_.as_deref() == Some(kind))?;
    condition.reason.clone()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_makes_pods_and_says_how_far_it_is() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    apply(&sandbox, &deployment(2)).await;
    let made = pods(&client, |pods| pods.len() == 2).await;
    assert!(made.iter().all(|pod| phase(pod) == "Pending"));
    let waiting = deployed(&client, |one| {
        one.status
            .as_ref()
            .and_then(|status| status.unavailable_replicas)
            == Some(2)
    })
    .await;
    assert_eq!(
        condition(&waiting, "Available").as_deref(),
        Some("MinimumReplicasUnavailable")
    );
    for pod in &made {
        run(&client, pod).await;
    }
    let done = deployed(&client, |one| {
        condition(one, "Progressing").as_deref() == Some("NewReplicaSetAvailable")
    })
    .await;
    let status = done.status.as_ref().expect("a status");
    assert_eq!(
        (status.replicas, status.available_replicas),
        (Some(2), Some(2))
    );
    assert_eq!(done.annotations()["deployment.kubernetes.io/revision"], "1");
}

#[tokio::test(start_paused = true)]
async fn rollouts_go_on_as_new_pods_become_ready() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    apply(&sandbox, &deployment(2)).await;
    for pod in pods(&client, |pods| pods.len() == 2).await {
        run(&client, &pod).await;
    }
    deployed(&client, |one| {
        condition(one, "Available").as_deref() == Some("MinimumReplicasAvailable")
    })
    .await;
    let mut newer = deployment(2);
    newer["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:2");
    apply(&sandbox, &newer).await;
    let is_new = |pod: &&Pod| image(pod) == "i:2";
    // One more than wanted, and nobody old goes before somebody new is ready.
    let during = pods(&client, |pods| pods.len() == 3).await;
    assert_eq!(during.iter().filter(is_new).count(), 1);
    for ready in 1..=2 {
        let waiting = pods(&client, |pods| {
            pods.iter()
                .filter(is_new)
                .any(|pod| phase(pod) == "Pending")
        })
        .await;
        assert!(waiting.len() <= 3, "{ready}");
        let next = waiting
            .iter()
            .filter(is_new)
            .find(|pod| phase(pod) == "Pending");
        run(&client, next.expect("one that waits")).await;
    }
    let after = pods(&client, |pods| {
        pods.len() == 2 && pods.iter().all(|pod| image(pod) == "i:2")
    })
    .await;
    assert_eq!(after.len(), 2);
    let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
    assert_eq!(
        sets.list(&ListParams::default())
            .await
            .expect("a list")
            .items
            .len(),
        2
    );
    let done = deployed(&client, |one| {
        condition(one, "Progressing").as_deref() == Some("NewReplicaSetAvailable")
    })
    .await;
    assert_eq!(done.annotations()["deployment.kubernetes.io/revision"], "2");
}

#[tokio::test(start_paused = true)]
async fn recreating_takes_all_old_pods_away_first() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let mut recreated = deployment(2);
    recreated["spec"]["strategy"] = json!({"type": "Recreate"});
    apply(&sandbox, &recreated).await;
    for pod in pods(&client, |pods| pods.len() == 2).await {
        run(&client, &pod).await;
    }
    recreated["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:2");
    apply(&sandbox, &recreated).await;
    let mixed = |pods: &[Pod]| {
        let new = pods.iter().filter(|pod| image(pod) == "i:2").count();
        new > 0 && new < pods.len()
    };
    let after = pods(&client, |pods| {
        assert!(!mixed(pods));
        pods.len() == 2 && pods.iter().all(|pod| image(pod) == "i:2")
    })
    .await;
    assert_eq!(after.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn rollouts_that_do_not_move_are_late_in_the_end() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let mut slow = deployment(1);
    slow["spec"]["progressDeadlineSeconds"] = json!(5);
    apply(&sandbox, &slow).await;
    let late = deployed(&client, |one| {
        condition(one, "Progressing").as_deref() == Some("ProgressDeadlineExceeded")
    })
    .await;
    assert_eq!(
        condition(&late, "Available").as_deref(),
        Some("MinimumReplicasUnavailable")
    );
}

#[tokio::test(start_paused = true)]
async fn replica_sets_give_up_pods_that_are_not_ready_first() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let mut set = deployment(3);
    set["kind"] = json!("ReplicaSet");
    apply(&sandbox, &set).await;
    let made = pods(&client, |pods| pods.len() == 3).await;
    run(&client, &made[1]).await;
    set["spec"]["replicas"] = json!(1);
    apply(&sandbox, &set).await;
    let left = pods(&client, |pods| pods.len() == 1).await;
    assert_eq!(left[0].name_any(), made[1].name_any());
    let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
    sets.delete("d", &DeleteParams::default())
        .await
        .expect("there");
    pods(&client, <[Pod]>::is_empty).await;
}

/// Waits until the Job has a condition; gives its status.
async fn finished(client: &Client, kind: &str) -> Value {
    let api: Api<Job> = Api::default_namespaced(client.clone());
    loop {
        let job = api.get("j").await.expect("there");
        let status = serde_json::to_value(&job.status).expect("a status");
        let conditions = status["conditions"].as_array().into_iter().flatten();
        if conditions
            .into_iter()
            .any(|one| one["type"] == kind && one["status"] == "True")
        {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_count_each_success_once() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    apply(&sandbox, &job(&json!({"completions": 3, "parallelism": 2}))).await;
    for round in 0..3 {
        let waiting = pods(&client, |pods| {
            pods.iter().any(|pod| phase(pod) == "Pending")
        })
        .await;
        let next = waiting.iter().find(|pod| phase(pod) == "Pending");
        let next = next.expect("one that waits");
        assert_eq!(
            next.finalizers(),
            ["batch.kubernetes.io/job-tracking"],
            "{round}"
        );
        set_status(&client, next, &json!({"phase": "Succeeded"})).await;
    }
    let status = finished(&client, "Complete").await;
    assert_eq!(status["succeeded"], 3);
    assert!(status.get("active").is_none_or(Value::is_null), "{status}");
    let done = pods(&client, |pods| {
        pods.iter().all(|pod| pod.finalizers().is_empty())
    })
    .await;
    assert_eq!(done.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn jobs_fail_beyond_their_limit() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    apply(&sandbox, &job(&json!({"backoffLimit": 1}))).await;
    for _ in 0..2 {
        let waiting = pods(&client, |pods| {
            pods.iter().any(|pod| phase(pod) == "Pending")
        })
        .await;
        let next = waiting.iter().find(|pod| phase(pod) == "Pending");
        set_status(
            &client,
            next.expect("one that waits"),
            &json!({"phase": "Failed"}),
        )
        .await;
    }
    let status = finished(&client, "Failed").await;
    assert_eq!(status["failed"], 2);
    assert_eq!(status["conditions"][0]["reason"], "BackoffLimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn jobs_past_their_deadline_fail() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    apply(&sandbox, &job(&json!({"activeDeadlineSeconds": 5}))).await;
    let status = finished(&client, "Failed").await;
    assert_eq!(status["conditions"][0]["reason"], "DeadlineExceeded");
    pods(&client, <[Pod]>::is_empty).await;
}

#[tokio::test(start_paused = true)]
async fn sandboxes_without_workloads_make_nothing() {
    let sandbox = Sandbox::builder().workloads(false).build();
    apply(&sandbox, &deployment(2)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(pods(&sandbox.client(), |_| true).await.is_empty());
}
