//! An object may say what may be done to what it stands for.

use kopfrs::testing::Cluster;
use serde_json::json;

use super::bench::{Bench, Create, Delete, Update};

const KEY: &str = "kopfrs.dev/access-permissions";

fn permitting(letters: &str) -> String {
    format!("{{{KEY}: '{letters}'}}")
}

#[kopfrs::test]
async fn nothing_is_created_without_c(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    for (name, letters) in [("a", "none"), ("b", "UD")] {
        bench.create_with(name, "one", &permitting(letters)).await;
        let entry = bench.until_phase(name, "Failed").await;
        let message = entry["status"]["message"].as_str().unwrap();
        assert!(
            message.contains(KEY) && message.contains("create: add C to it"),
            "{message}"
        );
        assert_eq!(bench.store.changes(name), []);
    }
    // The permission comes: that is a change.
    let all = json!({"metadata": {"annotations": {KEY: "CUD"}}});
    bench.entries.merge("a", all).await;
    bench.until_phase("a", "Succeeded").await;
    bench.stop().await;
}

#[kopfrs::test]
async fn nothing_is_updated_without_u(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    bench.create_with("a", "one", &permitting("cd")).await;
    bench.until_current("a").await;
    bench
        .entries
        .merge("a", json!({"spec": {"value": "two"}}))
        .await;
    bench.until_phase("a", "Failed").await;
    assert_eq!(bench.store.changes("a"), [(Create, true)]);
    bench.create_with("b", "one", &permitting("CU")).await;
    bench.until_current("b").await;
    bench
        .entries
        .merge("b", json!({"spec": {"value": "two"}}))
        .await;
    bench.until_current("b").await;
    assert_eq!(bench.store.changes("b"), [(Create, true), (Update, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn nothing_is_deleted_without_d_and_the_object_goes(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    for (name, letters) in [("a", "CU"), ("b", "C")] {
        bench.create_with(name, "one", &permitting(letters)).await;
        bench.until_current(name).await;
        bench
            .entries
            .merge(name, json!({"spec": {"shape": "round"}}))
            .await;
        bench.until_phase(name, "Failed").await;
        bench.entries.delete(name).await;
        bench.entries.until_gone(name).await;
        assert_eq!(bench.store.value(name).as_deref(), Some(":one"));
    }
    bench.create_with("c", "one", &permitting("CD")).await;
    bench.until_current("c").await;
    bench.entries.delete("c").await;
    bench.entries.until_gone("c").await;
    assert_eq!(bench.store.changes("c"), [(Create, true), (Delete, true)]);
    bench.stop().await;
}

#[kopfrs::test]
async fn what_is_no_permission_is_refused(cluster: Cluster) {
    let bench = Bench::new(cluster).await;
    for (name, text) in [("a", "read-only"), ("b", "disabled")] {
        bench.create_with(name, "one", &permitting(text)).await;
        let entry = bench.until_phase(name, "Failed").await;
        let message = entry["status"]["message"].as_str().unwrap();
        assert!(message.contains(KEY) && message.contains(text), "{message}");
        assert_eq!(bench.store.calls(name), []);
    }
    // Nobody knows whether it may be deleted: the object stays until that is said.
    bench.entries.delete("a").await;
    bench.until_phase("a", "Terminating").await;
    let none = json!({"metadata": {"annotations": {KEY: "none"}}});
    bench.entries.merge("a", none).await;
    bench.entries.until_gone("a").await;
    assert_eq!(bench.store.changes("a"), []);
    bench.stop().await;
}
