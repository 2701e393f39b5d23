//! What goes wrong with Pods: each of it is told, and nothing waits forever.

use k8s_openapi::api::core::v1::Pod as PodObject;
use kopfrs::exec::Pod;
use kopfrs::lifecycle::{Applied, Operation};
use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Fault, On, Rule, StreamFault};

use crate::subject::{call_for, exit, make_site, only_pod, say, start};

fn waiting(reason: &str) -> Value {
    json!({"waiting": {"reason": reason, "message": "no such image"}})
}

#[kopfrs::test]
async fn an_image_that_cannot_be_pulled_fails_after_a_while(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let began = tokio::time::Instant::now();
    let manager = Pod::new("manager:1").patience(Duration::from_secs(60));
    let running = start(manager, call_for(&cluster, Operation::Create, &site));
    let pod = only_pod(&cluster).await.name_any();
    // What changes meanwhile does not begin the wait anew.
    say(&cluster, &pod, "Pending", waiting("ErrImagePull")).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    say(&cluster, &pod, "Pending", waiting("ImagePullBackOff")).await;
    let message = running.failure().await;
    assert!(
        message.ends_with("it does not start: ImagePullBackOff: no such image"),
        "{message}"
    );
    let took = began.elapsed().as_secs();
    assert!((60..90).contains(&took), "{took} s");
    cluster.objects::<PodObject>().until_gone(&pod).await;
}

#[kopfrs::test]
async fn an_image_that_comes_late_is_no_failure(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let running = start(
        Pod::new("manager:1"),
        call_for(&cluster, Operation::Create, &site),
    );
    let pod = only_pod(&cluster).await.name_any();
    say(&cluster, &pod, "Pending", waiting("ErrImagePull")).await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    say(&cluster, &pod, "Running", json!({"running": {}})).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    exit(&cluster, &pod, 201, "").await;
    assert_eq!(running.report().await.outcome, Applied::Succeeded.into());
}

#[kopfrs::test]
async fn a_pod_without_a_node_fails_at_the_deadline(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let manager = Pod::new("manager:1").deadline(Duration::from_secs(120));
    let running = start(manager, call_for(&cluster, Operation::Create, &site));
    let pod = only_pod(&cluster).await.name_any();
    let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"});
    let status = json!({"status": {"phase": "Pending", "conditions": [condition]}});
    cluster
        .objects::<PodObject>()
        .merge_status(&pod, status)
        .await;
    let message = running.failure().await;
    assert!(
        message.ends_with("it took longer than 120s: Unschedulable: 0/3 nodes"),
        "{message}"
    );
}

#[kopfrs::test]
async fn a_program_that_does_not_end_fails_at_the_deadline(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let manager = Pod::new("manager:1").deadline(Duration::from_secs(120));
    let running = start(manager, call_for(&cluster, Operation::Delete, &site));
    let pod = only_pod(&cluster).await.name_any();
    say(&cluster, &pod, "Running", json!({"running": {}})).await;
    let message = running.failure().await;
    assert!(message.ends_with("it took longer than 120s"), "{message}");
    cluster.objects::<PodObject>().until_gone(&pod).await;
}

#[kopfrs::test]
async fn a_pod_that_was_evicted_or_has_met_its_deadline_says_so(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    for (reason, said) in [
        ("Evicted", "low on memory"),
        ("DeadlineExceeded", "active too long"),
    ] {
        let running = start(
            Pod::new("manager:1"),
            call_for(&cluster, Operation::Create, &site),
        );
        let pod = only_pod(&cluster).await.name_any();
        let status = json!({"status": {"phase": "Failed", "reason": reason, "message": said}});
        cluster
            .objects::<PodObject>()
            .merge_status(&pod, status)
            .await;
        let message = running.failure().await;
        assert!(
            message.ends_with(&format!("/{pod}: {reason}: {said}")),
            "{message}"
        );
        cluster.objects::<PodObject>().until_gone(&pod).await;
    }
}

#[kopfrs::test]
async fn a_pod_that_somebody_deletes_is_missed_at_once(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let running = start(
        Pod::new("manager:1"),
        call_for(&cluster, Operation::Delete, &site),
    );
    let pod = only_pod(&cluster).await.name_any();
    say(&cluster, &pod, "Running", json!({"running": {}})).await;
    cluster.objects::<PodObject>().delete(&pod).await;
    let message = running.failure().await;
    assert!(
        message.ends_with("it was deleted before it had ended"),
        "{message}"
    );
}

#[kopfrs::test(backend = "in-process")]
async fn broken_and_stalled_watches_delay_and_lose_nothing(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    for fault in [StreamFault::Break, StreamFault::Stall] {
        let door = cluster.sandbox().unwrap().door();
        let call = call_for(&cluster, Operation::Create, &site);
        let call = call.actions(kopfrs::api::Actions::new(door.client()));
        door.faults()
            .inject(Rule::new(On::verb("watch"), Fault::stream(fault)).times(2));
        let running = start(Pod::new("manager:1"), call);
        let pod = only_pod(&cluster).await.name_any();
        say(&cluster, &pod, "Running", json!({"running": {}})).await;
        exit(&cluster, &pod, 201, "").await;
        assert_eq!(running.report().await.outcome, Applied::Succeeded.into());
        cluster.objects::<PodObject>().until_gone(&pod).await;
    }
}

#[kopfrs::test(backend = "in-process")]
async fn rights_that_are_missing_are_told(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let door = cluster.sandbox().unwrap().door();
    door.faults()
        .inject(Rule::new(On::verb("list"), Fault::status(403)));
    let call = call_for(&cluster, Operation::Create, &site);
    let call = call.actions(kopfrs::api::Actions::new(door.client()));
    let message = start(Pod::new("manager:1"), call).failure().await;
    let expected = format!(
        "create of Site {}/web: Pods of {0} cannot be watched",
        cluster.namespace()
    );
    assert!(message.contains(&expected), "{message}");
    assert!(cluster.objects::<PodObject>().list().await.is_empty());
}

#[kopfrs::test(backend = "in-process")]
async fn a_pod_that_may_not_be_removed_is_told_before_it_is_taken_for_the_next_one(
    cluster: Cluster,
) {
    let site = make_site(&cluster, "web").await;
    let door = cluster.sandbox().unwrap().door();
    door.faults()
        .inject(Rule::new(On::verb("delete"), Fault::status(403)).times(1));
    let call = call_for(&cluster, Operation::Verify, &site);
    let call = call.actions(kopfrs::api::Actions::new(door.client()));
    let running = start(Pod::new("manager:1"), call);
    let pod = only_pod(&cluster).await.name_any();
    exit(&cluster, &pod, 211, "").await;
    let message = running.failure().await;
    assert!(
        message.contains(&format!("{pod}: not allowed")),
        "{message}"
    );
}
