//! Programs in Jobs. Their Pods are made by the controllers of the sandbox.

use k8s_openapi::api::batch::v1::Job as JobObject;
use k8s_openapi::api::core::v1::{Pod as PodObject, Secret};
use kopfrs::exec::Job;
use kopfrs::lifecycle::{Applied, Operation, Verified};
use kopfrs::prelude::*;
use kopfrs::testing::Cluster;

use crate::subject::{PASSWORD, call_for, exit, make_site, only_pod, say, start};

#[kopfrs::test(backend = "in-process")]
async fn the_exit_code_of_its_pod_is_the_outcome_of_a_job(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let running = start(
        Job::new("manager:1"),
        call_for(&cluster, Operation::Create, &site),
    );
    let pod = only_pod(&cluster).await;
    let jobs = cluster.objects::<JobObject>().list().await;
    assert_eq!(jobs.len(), 1);
    let job = serde_json::to_value(&jobs[0]).unwrap();
    let uid = site.metadata.uid.clone().unwrap();
    assert_eq!(
        job["metadata"]["name"],
        format!("web-{}-create-0", &uid[..8])
    );
    assert_eq!(job["metadata"]["ownerReferences"][0]["kind"], "Site");
    assert_eq!(job["spec"]["backoffLimit"], 0);
    assert_eq!(job["spec"]["activeDeadlineSeconds"], 600);
    assert_eq!(job["spec"]["ttlSecondsAfterFinished"], 86400);
    assert!(!job.to_string().contains(PASSWORD));
    assert!(!serde_json::to_string(&pod).unwrap().contains(PASSWORD));
    let job = jobs[0].name_any();
    let secret = cluster.objects::<Secret>().until_there(&job).await;
    assert_eq!(secret.owner_references()[0].kind, "Job");

    exit(&cluster, &pod.name_any(), 201, "{\"id\": 17}").await;
    let report = running.report().await;
    assert_eq!(
        (report.outcome, report.payload),
        (Applied::Succeeded.into(), Some(json!({"id": 17})))
    );
    cluster.objects::<JobObject>().until_gone(&job).await;
    cluster
        .objects::<PodObject>()
        .until_gone(&pod.name_any())
        .await;
    cluster.objects::<Secret>().until_gone(&job).await;
}

#[kopfrs::test(backend = "in-process")]
async fn a_job_is_found_again(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let call = call_for(&cluster, Operation::Verify, &site);
    let first = start(Job::new("manager:1"), call.clone());
    let pod = only_pod(&cluster).await.name_any();
    say(&cluster, &pod, "Running", json!({"running": {}})).await;
    first.drop_it().await;
    let second = start(Job::new("manager:1"), call);
    cluster
        .until("it to be waited for", async || {
            cluster.log().contains("is at work on it already")
        })
        .await;
    assert_eq!(cluster.objects::<JobObject>().list().await.len(), 1);
    assert_eq!(only_pod(&cluster).await.name_any(), pod);
    exit(&cluster, &pod, 215, "").await;
    assert_eq!(
        second.report().await.outcome,
        Verified::UpdateRequired.into()
    );
}

#[kopfrs::test(backend = "in-process")]
async fn a_job_whose_pod_was_evicted_or_deleted_fails(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let call = call_for(&cluster, Operation::Create, &site);
    let running = start(Job::new("manager:1"), call.clone());
    let pod = only_pod(&cluster).await.name_any();
    let status =
        json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}});
    cluster
        .objects::<PodObject>()
        .merge_status(&pod, status)
        .await;
    let message = running.failure().await;
    assert!(message.contains("Evicted: low on memory"), "{message}");
    cluster.objects::<PodObject>().until_gone(&pod).await;

    let running = start(Job::new("manager:1"), call);
    let pod = only_pod(&cluster).await.name_any();
    say(&cluster, &pod, "Running", json!({"running": {}})).await;
    cluster.objects::<PodObject>().delete(&pod).await;
    let message = running.failure().await;
    assert!(message.contains("BackoffLimitExceeded"), "{message}");
}

#[kopfrs::test(backend = "in-process")]
async fn a_job_that_does_not_end_fails_at_its_deadline(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let manager = Job::new("manager:1").deadline(Duration::from_secs(120));
    let running = start(manager, call_for(&cluster, Operation::Create, &site));
    let pod = only_pod(&cluster).await.name_any();
    say(&cluster, &pod, "Running", json!({"running": {}})).await;
    let began = tokio::time::Instant::now();
    let message = running.failure().await;
    assert!(
        message.contains("DeadlineExceeded") || message.contains("took longer than 120s"),
        "{message}"
    );
    assert!(began.elapsed() <= Duration::from_secs(160));
    cluster.objects::<PodObject>().until_gone(&pod).await;
}
