//! What cannot be changed is deleted, and created anew.

use kopfrs::testing::Cluster;
use serde_json::json;

use super::bench::{Bench, Create, Delete};

#[kopfrs::test]
async fn it_is_deleted_first_and_created_then(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench
        .entries
        .merge("a", json!({"spec": {"shape": "round"}}))
        .await;
    bench.until_current("a").await;
    assert_eq!(
        bench.store.changes("a"),
        [(Create, true), (Delete, true), (Create, true)]
    );
    assert_eq!(bench.store.value("a").as_deref(), Some("round:one"));
    bench.stop().await;
}

#[kopfrs::test]
async fn it_is_created_only_when_the_old_one_is_gone(cluster: Cluster) {
    let bench = Bench::slow(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench
        .entries
        .merge("a", json!({"spec": {"shape": "round"}}))
        .await;
    bench.until_phase("a", "Recreating").await;
    bench.until_current("a").await;
    assert_eq!(
        bench.store.changes("a"),
        [(Create, true), (Delete, true), (Create, true)]
    );
    assert_eq!(bench.store.value("a").as_deref(), Some("round:one"));
    bench.stop().await;
}

#[kopfrs::test]
async fn a_deletion_that_fails_creates_nothing(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench.fail("a", Delete, (0, 99));
    bench
        .entries
        .merge("a", json!({"spec": {"shape": "round"}}))
        .await;
    let entry = bench.until_phase("a", "Failed").await;
    assert_eq!(entry["status"]["message"], "the store is on fire");
    bench.until_calls("a", Delete, 2).await;
    assert_eq!(bench.store.value("a").as_deref(), Some(":one"));
    bench.store.heal();
    bench.until_current("a").await;
    assert_eq!(bench.store.value("a").as_deref(), Some("round:one"));
    bench.stop().await;
}
