//! Programs in Pods outlive their operators, and are found again.

use k8s_openapi::api::core::v1::{ConfigMap, Pod as PodObject, Secret};
use kopfrs::exec::Pod;
use kopfrs::lifecycle::{Applied, Deleted, Operation, Verified};
use kopfrs::prelude::*;
use kopfrs::testing::Cluster;

use crate::subject::{Site, call_for, exit, make_site, only_pod, say, start};

fn manager() -> Pod {
    Pod::new("manager:1")
}

fn running() -> Value {
    json!({"running": {}})
}

#[kopfrs::test]
async fn a_restarted_operator_waits_for_the_program_that_is_at_work(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let call = call_for(&cluster, Operation::Create, &site);
    let first = start(manager(), call.clone());
    let pod = only_pod(&cluster).await;
    say(&cluster, &pod.name_any(), "Running", running()).await;
    first.drop_it().await;

    // The object has changed meanwhile, but not in what is asked for.
    let sites = cluster.objects::<Site>();
    let site = sites
        .merge("web", json!({"metadata": {"labels": {"seen": "yes"}}}))
        .await;
    let second = start(manager(), call_for(&cluster, Operation::Create, &site));
    cluster
        .until("it to be waited for", async || {
            cluster.log().contains("is at work on it already")
        })
        .await;
    assert_eq!(only_pod(&cluster).await.metadata.uid, pod.metadata.uid);
    exit(&cluster, &pod.name_any(), 201, "made once").await;
    assert_eq!(second.report().await.payload, Some(json!("made once")));
}

#[kopfrs::test]
async fn a_program_that_has_ended_meanwhile_is_heard(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let call = call_for(&cluster, Operation::Create, &site);
    let first = start(manager(), call.clone());
    let pod = only_pod(&cluster).await.name_any();
    first.drop_it().await;
    exit(&cluster, &pod, 202, "").await;
    let report = start(manager(), call).report().await;
    assert_eq!(report.outcome, Applied::AwaitingVerification.into());
    cluster.objects::<PodObject>().until_gone(&pod).await;
}

#[kopfrs::test]
async fn the_next_attempt_finds_the_program_of_the_one_before(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let call = call_for(&cluster, Operation::Create, &site);
    let first = start(manager(), call.clone());
    let pod = only_pod(&cluster).await;
    say(&cluster, &pod.name_any(), "Running", running()).await;
    first.drop_it().await;
    let second = start(manager(), call.attempt(1));
    cluster
        .until("it to be waited for", async || {
            cluster.log().contains("is at work on it already")
        })
        .await;
    assert_eq!(only_pod(&cluster).await.metadata.uid, pod.metadata.uid);
    exit(&cluster, &pod.name_any(), 201, "").await;
    assert_eq!(second.report().await.outcome, Applied::Succeeded.into());
}

#[kopfrs::test]
async fn an_attempt_does_not_take_the_failure_of_another_one_for_its_own(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let call = call_for(&cluster, Operation::Create, &site);
    let first = start(manager(), call.clone());
    let failed = only_pod(&cluster).await.name_any();
    first.drop_it().await;
    exit(&cluster, &failed, 203, "").await;
    let second = start(manager(), call.attempt(1));
    let pods = cluster.objects::<PodObject>();
    pods.until_gone(&failed).await;
    let pod = only_pod(&cluster).await.name_any();
    assert!(pod.ends_with("-create-1"), "{pod}");
    exit(&cluster, &pod, 201, "").await;
    assert_eq!(second.report().await.outcome, Applied::Succeeded.into());
}

#[kopfrs::test]
async fn a_deletion_waits_for_the_creation_that_is_at_work(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let creation = start(manager(), call_for(&cluster, Operation::Create, &site));
    let create = only_pod(&cluster).await.name_any();
    say(&cluster, &create, "Running", running()).await;
    creation.drop_it().await;

    let deletion = start(manager(), call_for(&cluster, Operation::Delete, &site));
    cluster
        .until("it to wait", async || {
            cluster.log().contains("to end first")
        })
        .await;
    // A long time later there is still nobody else at work.
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(only_pod(&cluster).await.name_any(), create);
    exit(&cluster, &create, 201, "").await;
    cluster.objects::<PodObject>().until_gone(&create).await;
    cluster.objects::<Secret>().until_gone(&create).await;
    let delete = only_pod(&cluster).await.name_any();
    assert!(delete.ends_with("-delete-0"), "{delete}");
    exit(&cluster, &delete, 221, "").await;
    assert_eq!(deletion.report().await.outcome, Deleted::Done.into());
}

#[kopfrs::test]
async fn what_was_begun_with_another_spec_is_not_taken_for_what_is_wanted(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let first = start(manager(), call_for(&cluster, Operation::Update, &site));
    let old = only_pod(&cluster).await;
    say(&cluster, &old.name_any(), "Running", running()).await;
    first.drop_it().await;
    let sites = cluster.objects::<Site>();
    let site = sites.merge("web", json!({"spec": {"size": 2}})).await;
    let second = start(manager(), call_for(&cluster, Operation::Update, &site));
    cluster
        .until("it to wait", async || {
            cluster.log().contains("to end first")
        })
        .await;
    exit(&cluster, &old.name_any(), 201, "old").await;
    let is_new = |pod: &PodObject| pod.metadata.uid != old.metadata.uid;
    let new = cluster
        .objects::<PodObject>()
        .until(&old.name_any(), is_new)
        .await;
    exit(&cluster, &new.name_any(), 201, "new").await;
    assert_eq!(second.report().await.payload, Some(json!("new")));
}

#[kopfrs::test]
async fn what_has_not_begun_and_will_not_is_not_waited_for(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let creation = start(manager(), call_for(&cluster, Operation::Create, &site));
    let create = only_pod(&cluster).await.name_any();
    say(
        &cluster,
        &create,
        "Pending",
        json!({"waiting": {"reason": "ImagePullBackOff"}}),
    )
    .await;
    creation.drop_it().await;
    let deletion = start(manager(), call_for(&cluster, Operation::Delete, &site));
    cluster.objects::<PodObject>().until_gone(&create).await;
    let delete = only_pod(&cluster).await.name_any();
    exit(&cluster, &delete, 224, "").await;
    assert_eq!(deletion.report().await.outcome, Deleted::Missing.into());
}

#[kopfrs::test]
async fn a_pod_of_somebody_else_is_left_alone(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let uid = site.metadata.uid.clone().unwrap();
    let name = format!("web-{}-verify-0", &uid[..8]);
    let maps = cluster.objects::<ConfigMap>();
    let other = maps.create_from("{metadata: {name: other}}").await;
    let owner = other.metadata.uid.unwrap();
    let pods = cluster.objects::<PodObject>();
    pods.create_from(&format!(
        "{{metadata: {{name: {name}, ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: other, uid: {owner}}}]}}, \
         spec: {{containers: [{{name: program, image: other}}]}}}}"
    ))
    .await;
    let message = start(manager(), call_for(&cluster, Operation::Verify, &site))
        .failure()
        .await;
    let expected = format!(
        "Pod {}/{name} is there already and is none of verify of Site",
        cluster.namespace()
    );
    assert!(message.starts_with(&expected), "{message}");
    assert!(message.contains("(it is of ConfigMap other)"), "{message}");
    assert_eq!(
        only_pod(&cluster).await.spec.unwrap().containers[0]
            .image
            .as_deref(),
        Some("other")
    );
}

#[kopfrs::test]
async fn programs_of_one_object_do_not_wait_for_those_of_another(cluster: Cluster) {
    let (one, other) = (
        make_site(&cluster, "one").await,
        make_site(&cluster, "other").await,
    );
    let first = start(manager(), call_for(&cluster, Operation::Verify, &one));
    let second = start(manager(), call_for(&cluster, Operation::Verify, &other));
    let pods = cluster.objects::<PodObject>();
    cluster
        .until("both", async || pods.list().await.len() == 2)
        .await;
    for pod in pods.list().await {
        exit(&cluster, &pod.name_any(), 211, "").await;
    }
    assert_eq!(first.report().await.outcome, Verified::Ready.into());
    assert_eq!(second.report().await.outcome, Verified::Ready.into());
}

#[kopfrs::test]
async fn a_pod_whose_input_was_not_written_any_more_gets_it(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let call = call_for(&cluster, Operation::Create, &site);
    let first = start(manager(), call.clone());
    let pod = only_pod(&cluster).await.name_any();
    let secrets = cluster.objects::<Secret>();
    secrets.until_there(&pod).await;
    first.drop_it().await;
    secrets.delete(&pod).await;
    let second = start(manager(), call);
    secrets.until_there(&pod).await;
    exit(&cluster, &pod, 201, "").await;
    second.report().await;
}

#[kopfrs::test]
async fn an_object_that_is_deleted_in_the_foreground_keeps_the_program_that_deletes_it(
    cluster: Cluster,
) {
    let mut site = make_site(&cluster, "web").await;
    site.metadata.finalizers = Some(vec!["foregroundDeletion".to_owned()]);
    let running = start(manager(), call_for(&cluster, Operation::Delete, &site));
    let pod = only_pod(&cluster).await;
    assert!(pod.owner_references().is_empty());
    exit(&cluster, &pod.name_any(), 221, "").await;
    running.report().await;
    cluster
        .objects::<PodObject>()
        .until_gone(&pod.name_any())
        .await;
}
