//! What is not there is created, once.

use kopfrs::testing::Cluster;
use serde_json::json;

use super::bench::{Bench, Create, Update};

#[kopfrs::test]
async fn what_is_missing_is_created_and_told(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    let entry = bench.until_phase("a", "Succeeded").await;
    assert_eq!(bench.store.value("a").as_deref(), Some(":one"));
    assert_eq!(bench.store.changes("a"), [(Create, true)]);
    assert_eq!(entry["status"]["payload"], json!({"address": "store/a"}));
    assert_eq!(entry["status"]["observedGeneration"], 1);
    let ready = &entry["status"]["conditions"][0];
    assert_eq!(
        (&ready["type"], &ready["status"]),
        (&json!("Ready"), &json!("True"))
    );
    let applied = entry["metadata"]["annotations"]["kopfrs.dev/last-applied-spec"].as_str();
    let applied: serde_json::Value = serde_json::from_str(applied.unwrap()).unwrap();
    assert_eq!(applied, entry["spec"]);
    bench.stop().await;
}

#[kopfrs::test]
async fn what_is_there_already_is_taken_over(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.store.put("same", ":one");
    bench.store.put("other", ":two");
    bench.create("same", "one").await;
    bench.create("other", "one").await;
    bench.until_phase("same", "Succeeded").await;
    bench.until_phase("other", "Succeeded").await;
    assert_eq!(bench.store.changes("same"), []);
    assert_eq!(bench.store.changes("other"), [(Update, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn what_takes_its_time_is_created_once_and_looked_at(cluster: Cluster) {
    let bench = Bench::slow(cluster).await;
    bench.create("a", "one").await;
    bench.until_phase("a", "Succeeded").await;
    assert_eq!(bench.store.value("a").as_deref(), Some(":one"));
    assert_eq!(bench.store.changes("a"), [(Create, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn what_somebody_has_removed_is_created_again(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_phase("a", "Succeeded").await;
    bench.operator.until_settled().await;
    bench.store.remove("a");
    bench.until_calls("a", Create, 2).await;
    bench.until_phase("a", "Succeeded").await;
    assert_eq!(bench.store.value("a").as_deref(), Some(":one"));
    bench.stop().await;
}

#[kopfrs::test]
async fn a_restart_finds_what_is_there(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_phase("a", "Succeeded").await;
    bench.operator.until_settled().await;
    bench.stop().await;
    let again = bench.operator.start_again().await;
    bench
        .until_calls("a", kopfrs::lifecycle::Operation::Verify, 2)
        .await;
    again.until_settled().await;
    assert_eq!(bench.store.changes("a"), [(Create, true)]);
    crate::stop(&again).await;
}
