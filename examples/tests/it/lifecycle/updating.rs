//! What is not as it is asked for is updated, once.

use kopfrs::lifecycle::Operation::Verify;
use kopfrs::testing::Cluster;
use serde_json::json;

use super::bench::{Bench, Create, Update};

#[kopfrs::test]
async fn an_edit_is_one_update(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench
        .entries
        .merge("a", json!({"spec": {"value": "two"}}))
        .await;
    bench.until_current("a").await;
    assert_eq!(bench.store.value("a").as_deref(), Some(":two"));
    assert_eq!(bench.store.changes("a"), [(Create, true), (Update, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn an_update_that_takes_its_time_is_looked_at_until_it_is_there(cluster: Cluster) {
    let bench = Bench::slow(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    let before = bench.store.calls("a").len();
    bench
        .entries
        .merge("a", json!({"spec": {"value": "two"}}))
        .await;
    bench.until_current("a").await;
    let calls = bench.store.calls("a");
    // Found to be different, changed, found to be on its way or there.
    assert_eq!(calls[before..before + 2], [(Verify, true), (Update, true)]);
    assert!(
        calls[before + 2..]
            .iter()
            .all(|call| *call == (Verify, true)),
        "{calls:?}"
    );
    assert_eq!(bench.store.value("a").as_deref(), Some(":two"));
    bench.stop().await;
}

#[kopfrs::test]
async fn what_somebody_has_changed_is_put_right(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench.operator.until_settled().await;
    bench.store.put("a", ":foreign");
    bench.until_calls("a", Update, 1).await;
    bench.until_current("a").await;
    assert_eq!(bench.store.value("a").as_deref(), Some(":one"));
    bench.stop().await;
}

#[kopfrs::test]
async fn a_label_changes_nothing_outside(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create("a", "one").await;
    bench.until_current("a").await;
    bench
        .entries
        .merge("a", json!({"metadata": {"labels": {"x": "y"}}}))
        .await;
    bench.operator.until_settled().await;
    assert_eq!(bench.store.changes("a"), [(Create, true)]);
    bench.stop().await;
}
