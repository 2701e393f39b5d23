//! What an object stands for goes before it.

use kopfrs::testing::Cluster;
use serde_json::json;

use super::bench::{Bench, Create, Delete};

#[kopfrs::test]
async fn what_is_there_is_deleted_before_its_object(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    let entry = bench.until_current("a").await;
    assert_eq!(
        entry["metadata"]["finalizers"],
        json!(["kopfrs.dev/finalizer"])
    );
    bench.entries.delete("a").await;
    bench.entries.until_gone("a").await;
    assert_eq!(bench.store.value("a"), None);
    assert_eq!(bench.store.changes("a"), [(Create, true), (Delete, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn a_deletion_that_takes_its_time_is_begun_once_and_waited_for(cluster: Cluster) {
    let bench = Bench::slow(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench.entries.delete("a").await;
    bench.entries.until_gone("a").await;
    assert_eq!(bench.store.changes("a"), [(Create, true), (Delete, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn what_is_gone_already_is_not_deleted(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench.operator.until_settled().await;
    bench.store.remove("a");
    bench.entries.delete("a").await;
    bench.entries.until_gone("a").await;
    assert_eq!(bench.store.changes("a"), [(Create, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn an_object_stays_until_its_deletion_works(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench.fail("a", Delete, (0, 2));
    bench.entries.delete("a").await;
    let is_told = |entry: &serde_json::Value| entry["status"]["message"] == "the store is on fire";
    let entry = bench.entries.until("a", is_told).await;
    assert_eq!(entry["status"]["phase"], "Terminating");
    bench.entries.until_gone("a").await;
    let failed_twice = [
        (Create, true),
        (Delete, false),
        (Delete, false),
        (Delete, true),
    ];
    assert_eq!(bench.store.changes("a"), failed_twice);
    bench.stop().await;
}

#[kopfrs::test]
async fn what_cannot_be_looked_at_is_deleted_all_the_same(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench.operator.until_settled().await;
    let looks = bench.store.calls("a").len();
    bench.fail("a", kopfrs::lifecycle::Operation::Verify, (looks - 1, 99));
    bench.entries.delete("a").await;
    bench.entries.until_gone("a").await;
    assert_eq!(bench.store.value("a"), None);
    bench.stop().await;
}
