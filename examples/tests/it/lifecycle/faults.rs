//! What fails is told, and tried again.

use kopfrs::lifecycle::Operation::Verify;
use kopfrs::testing::Cluster;
use serde_json::json;

use super::bench::{Bench, Create, Update};

#[kopfrs::test]
async fn a_creation_that_fails_is_told_and_tried_again(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.fail("a", Create, (0, 2));
    bench.create("a", "one").await;
    let entry = bench.until_phase("a", "Failed").await;
    assert_eq!(entry["status"]["message"], "the store is on fire");
    let applied = &entry["metadata"]["annotations"]["kopfrs.dev/last-applied-spec"];
    assert!(applied.is_null(), "{applied}");
    let event = bench.cluster.until_event("a", "Failed").await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    let entry = bench.until_phase("a", "Succeeded").await;
    assert!(entry["status"]["message"].is_null(), "{entry}");
    assert_eq!(
        bench.store.changes("a"),
        [(Create, false), (Create, false), (Create, true)]
    );
    bench.stop().await;
}

#[kopfrs::test]
async fn an_update_that_fails_is_told_and_tried_again(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench.fail("a", Update, (0, 1));
    bench
        .entries
        .merge("a", json!({"spec": {"value": "two"}}))
        .await;
    bench.until_phase("a", "Failed").await;
    bench.until_current("a").await;
    assert_eq!(
        bench.store.changes("a")[1..],
        [(Update, false), (Update, true)]
    );
    bench.stop().await;
}

#[kopfrs::test]
async fn what_fails_while_it_is_on_its_way_is_found(cluster: Cluster) {
    let bench = Bench::slow(cluster).await;
    bench.fail("a", Verify, (1, 1));
    bench.create("a", "one").await;
    let entry = bench.until_phase("a", "Failed").await;
    assert_eq!(entry["status"]["message"], "the store is on fire");
    bench.until_phase("a", "Succeeded").await;
    assert_eq!(bench.store.changes("a"), [(Create, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn what_cannot_be_looked_at_is_not_touched(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.fail("a", Verify, (0, 3));
    bench.create("a", "one").await;
    bench.until_phase("a", "Failed").await;
    bench.until_calls("a", Verify, 3).await;
    assert_eq!(bench.store.changes("a"), []);
    bench.until_phase("a", "Succeeded").await;
    bench.stop().await;
}

#[kopfrs::test]
async fn an_edit_ends_the_pause_after_a_failure(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.fail("a", Create, (0, 99));
    bench.create("a", "one").await;
    bench.until_phase("a", "Failed").await;
    bench.store.heal();
    bench
        .entries
        .merge("a", json!({"spec": {"value": "two"}}))
        .await;
    bench.until_current("a").await;
    assert_eq!(bench.store.value("a").as_deref(), Some(":two"));
    bench.stop().await;
}
