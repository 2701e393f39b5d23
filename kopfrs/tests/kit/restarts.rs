//! Operators that are stopped, killed and started again, and several at once.

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::testing::{CallEnd, Cluster};

use crate::subject::{Gauge, gauge, showing};

#[kopfrs::test]
async fn what_was_changed_meanwhile_is_an_update_for_the_next_one(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let operator = cluster.operator().handlers(showing()).start().await;
    let gauges = cluster.objects::<Gauge>();
    gauges.create(&gauge("a", 1)).await;
    operator.until_settled().await;
    operator.stop().await;
    assert!(!operator.is_running());
    // Also when it has been stopped already.
    operator.stop().await;

    gauges.merge("a", json!({"spec": {"size": 2}})).await;
    let next = operator.start_again().await;
    next.until_settled().await;
    assert_eq!(next.calls().ids(), ["update"]);
    assert_eq!(operator.calls().ids(), ["create"]);
    assert_eq!(gauges.get("a").await.status.unwrap_or_default().size, 2);
}

/// Sleeps for an hour at the first attempt.
fn sleeping() -> Registry {
    let sleep = || tokio::time::sleep(Duration::from_secs(3600));
    Registry::new().add(on::create::<Gauge>().id("sleep").run(move || async move {
        sleep().await;
    }))
}

#[kopfrs::test]
async fn a_killed_operator_finishes_nothing(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let operator = cluster.operator().handlers(sleeping()).start().await;
    cluster.objects().create(&gauge("a", 1)).await;
    operator.until_called("sleep").await;
    operator.kill().await;
    assert_eq!(operator.calls()[0].end, CallEnd::Cancelled);

    // It has written nothing down: the next one begins anew.
    let next = operator.start_again().await;
    let call = next.until_called("sleep").await;
    assert_eq!(call.retry, 0);
    // One that is dropped is killed, too.
    drop(next);
}

#[kopfrs::test]
async fn a_stopped_operator_lets_its_handlers_finish(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let brief = on::create::<Gauge>().id("brief").run(async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
    });
    let operator = cluster
        .operator()
        .handlers(Registry::new().add(brief))
        .start()
        .await;
    cluster.objects().create(&gauge("a", 1)).await;
    operator.until_called("brief").await;
    operator.stop().await;
    assert_eq!(operator.calls().succeeded().len(), 1);
}

fn saying(id: &'static str) -> Registry {
    let say = move || async move {
        info!("{id} sees it");
        let _ = tokio::spawn(async move { info!("a task of {id}") }).await;
    };
    let blocking = move || info!("{id} blocks");
    Registry::new()
        .add(on::create::<Gauge>().id(id).run(say))
        .add(on::create::<Gauge>().id("block").run_blocking(blocking))
}

#[kopfrs::test]
async fn two_operators_are_told_apart(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let own_memory = |prefix: &'static str| {
        move |settings: &mut Settings| {
            settings.persistence.default = kopfrs::storage::Persistence::new(prefix);
        }
    };
    let one = cluster
        .operator()
        .handlers(saying("one"))
        .settings(own_memory("one.example.com"));
    let two = cluster
        .operator()
        .handlers(saying("two"))
        .settings(own_memory("two.example.com"));
    let (one, two) = (one.start().await, two.start().await);
    cluster.objects().create(&gauge("a", 1)).await;
    one.until_settled().await;
    two.until_settled().await;
    assert_eq!(one.calls().ids(), ["one", "block"]);
    assert_eq!(two.calls().ids(), ["two", "block"]);
    for (own, other, operator) in [("one", "two", &one), ("two", "one", &two)] {
        let log = operator.log();
        assert_eq!(log.count(&format!("{own}: {own} sees it")), 1, "{log}");
        assert_eq!(log.count(&format!("block: {own} blocks")), 1, "{log}");
        assert_eq!(log.count(&format!("{other} sees it")), 0, "{log}");
        // Nobody knows whose a task is that a handler has spawned.
        assert_eq!(log.count("a task of"), 2, "{log}");
        assert!(
            log.contains("watching gauges") && log.contains("create handler succeeded"),
            "{log}"
        );
    }
    assert_eq!(cluster.log().count("sees it"), 2);
}
