//! What is told of a lifecycle, and what is not.

use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kopfrs::testing::Cluster;
use serde_json::json;

use super::bench::{Bench, Create};

#[kopfrs::test]
async fn others_are_told_before_it_is_ready(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_phase("a", "Succeeded").await;
    let map = bench.cluster.objects::<ConfigMap>().get("a-address").await;
    assert_eq!(map.data.unwrap()["address"], "store/a");
    // Once: what is removed afterwards is not made again.
    bench
        .cluster
        .objects::<ConfigMap>()
        .delete("a-address")
        .await;
    bench
        .entries
        .merge("a", json!({"spec": {"value": "two"}}))
        .await;
    bench.until_current("a").await;
    bench.operator.until_settled().await;
    let found = bench.cluster.objects::<ConfigMap>().find("a-address").await;
    assert!(found.is_none());
    bench.stop().await;
}

#[kopfrs::test]
async fn there_is_an_event_for_each_phase_and_none_when_nothing_changes(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    // Looked at, and found to be as it is.
    bench
        .until_calls("a", kopfrs::lifecycle::Operation::Verify, 3)
        .await;
    bench
        .entries
        .merge("a", json!({"spec": {"value": "two"}}))
        .await;
    bench.until_current("a").await;
    bench.cluster.until_event("a", "Updating").await;
    bench.stop().await;
    let mut events = bench.cluster.events("a").await;
    events.retain(|event| event.involved_object.kind.as_deref() == Some("Entry"));
    let count = |event: &Event| {
        event
            .series
            .as_ref()
            .and_then(|series| series.count)
            .unwrap_or(1)
    };
    let mut told: Vec<_> = events
        .iter()
        .map(|event| (event.reason.clone().unwrap_or_default(), count(event)))
        .collect();
    told.sort();
    let expected = [
        ("Completing", 1),
        ("Creating", 1),
        ("Succeeded", 2),
        ("Updating", 1),
    ];
    let expected = expected.map(|(reason, count)| (reason.to_owned(), count));
    assert_eq!(told, expected);
}

#[kopfrs::test]
async fn looking_writes_nothing(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench.operator.until_settled().await;
    let version = bench.entries.get("a").await["metadata"]["resourceVersion"].clone();
    let looks = bench.store.calls("a").len();
    bench
        .until_calls("a", kopfrs::lifecycle::Operation::Verify, looks + 2)
        .await;
    bench.operator.until_settled().await;
    let after = bench.entries.get("a").await["metadata"]["resourceVersion"].clone();
    assert_eq!(after, version);
    assert_eq!(bench.store.changes("a"), [(Create, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn labels_of_others_are_not_lost(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "zero").await;
    for number in 0..20 {
        let labels = json!({"metadata": {"labels": {format!("l{number}"): "x"}}});
        bench.entries.merge("a", labels).await;
        if number % 5 == 0 {
            let spec = json!({"spec": {"value": format!("v{number}")}});
            bench.entries.merge("a", spec).await;
        }
    }
    let entry = bench.until_current("a").await;
    assert_eq!(entry["metadata"]["labels"].as_object().unwrap().len(), 20);
    assert_eq!(bench.store.value("a").as_deref(), Some(":v15"));
    bench.stop().await;
}
