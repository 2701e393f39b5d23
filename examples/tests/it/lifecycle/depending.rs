//! What an object depends on comes first.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kopfrs::lifecycle::Verified;
use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Objects, OperatorHandle};

const KEY: &str = "kopfrs.dev/phase";

/// Config maps that name others by an annotation, and a Secret by a label.
fn handlers() -> Registry {
    let others = |map: Arc<ConfigMap>| {
        let names = map.annotations().get("after").cloned().unwrap_or_default();
        names
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let secret = |map: Arc<ConfigMap>| map.labels().get("secret").cloned();
    let verify = on::verify::<ConfigMap>()
        .label("managed", "yes")
        .depends::<ConfigMap, _, _>(others)
        .depends::<Secret, _, _>(secret)
        .id("verify");
    Registry::new().add(
        verify.run(async |body: Body| match body["data"]["fails"].as_str() {
            Some(_) => Err(PermanentError::new("it fails")),
            None => Ok(Verified::Ready),
        }),
    )
}

async fn start(cluster: &Cluster) -> (OperatorHandle, Objects<ConfigMap>) {
    let operator = cluster.operator().handlers(handlers()).start().await;
    (operator, cluster.objects::<ConfigMap>())
}

async fn create(maps: &Objects<ConfigMap>, name: &str, (after, labels): (&str, &str)) {
    let text = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, annotations: {{after: '{after}'}}, \
         labels: {{managed: 'yes'{labels}}}}}}}"
    );
    maps.create_from(&text).await;
}

async fn until_phase(maps: &Objects<ConfigMap>, name: &str, phase: &str) -> ConfigMap {
    let is_there = |map: &ConfigMap| {
        map.annotations()
            .get(KEY)
            .is_some_and(|found| found == phase)
    };
    maps.until(name, is_there).await
}

fn message(map: &ConfigMap) -> &str {
    map.annotations()
        .get("kopfrs.dev/message")
        .map_or("", String::as_str)
}

#[kopfrs::test]
async fn it_waits_for_all_of_them_and_says_for_which(cluster: Cluster) {
    let (operator, maps) = start(&cluster).await;
    create(&maps, "top", ("left right", "")).await;
    let top = until_phase(&maps, "top", "Pending").await;
    assert!(
        message(&top).contains("left is not there"),
        "{}",
        message(&top)
    );
    create(&maps, "left", ("", "")).await;
    let waits_for_right = |map: &ConfigMap| message(map).contains("right is not there");
    maps.until("top", waits_for_right).await;
    create(&maps, "right", ("", "")).await;
    until_phase(&maps, "top", "Succeeded").await;
    crate::stop(&operator).await;
}

#[kopfrs::test]
async fn it_waits_again_when_one_fails(cluster: Cluster) {
    let (operator, maps) = start(&cluster).await;
    create(&maps, "base", ("", "")).await;
    create(&maps, "top", ("base", "")).await;
    until_phase(&maps, "top", "Succeeded").await;
    maps.merge("base", json!({"data": {"fails": "yes"}})).await;
    until_phase(&maps, "base", "Failed").await;
    let top = until_phase(&maps, "top", "Pending").await;
    assert!(
        message(&top).contains("base is not ready: Failed"),
        "{}",
        message(&top)
    );
    maps.merge("base", json!({"data": {"fails": null}})).await;
    until_phase(&maps, "top", "Succeeded").await;
    crate::stop(&operator).await;
}

#[kopfrs::test]
async fn what_has_no_phase_is_ready_when_it_is_there(cluster: Cluster) {
    let (operator, maps) = start(&cluster).await;
    create(&maps, "top", ("", ", secret: key")).await;
    until_phase(&maps, "top", "Pending").await;
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: key}}";
    cluster.objects::<Secret>().create_from(secret).await;
    until_phase(&maps, "top", "Succeeded").await;
    crate::stop(&operator).await;
}

#[kopfrs::test]
async fn a_deletion_waits_for_nobody(cluster: Cluster) {
    let (operator, maps) = start(&cluster).await;
    create(&maps, "top", ("never", "")).await;
    until_phase(&maps, "top", "Pending").await;
    maps.delete("top").await;
    maps.until_gone("top").await;
    crate::stop(&operator).await;
}

#[kopfrs::test]
async fn an_owner_is_waited_for_and_becomes_one(cluster: Cluster) {
    let owner = |map: Arc<ConfigMap>| map.labels().get("of").cloned();
    let verify = on::verify::<ConfigMap>()
        .label("of", PRESENT)
        .owner::<ConfigMap, _, _>(owner);
    let handlers = Registry::new().add(verify.id("verify").run(async || Verified::Ready));
    let operator = cluster.operator().handlers(handlers).start().await;
    let maps = cluster.objects::<ConfigMap>();
    let child = "{apiVersion: v1, kind: ConfigMap, metadata: {name: child, labels: {of: parent}}}";
    maps.create_from(child).await;
    let child = until_phase(&maps, "child", "Pending").await;
    assert!(
        message(&child).contains("parent is not there"),
        "{}",
        message(&child)
    );
    let parent = "{apiVersion: v1, kind: ConfigMap, metadata: {name: parent}}";
    let parent = maps.create_from(parent).await;
    let child = until_phase(&maps, "child", "Succeeded").await;
    let references = child.metadata.owner_references.unwrap_or_default();
    assert_eq!(references.len(), 1);
    assert_eq!(Some(&references[0].uid), parent.metadata.uid.as_ref());
    assert_eq!(references[0].controller, Some(true));
    crate::stop(&operator).await;
}
