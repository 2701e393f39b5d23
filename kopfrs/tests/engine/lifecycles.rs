//! Which of an object's handlers run in one cycle.

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::settings::Lifecycle;

use crate::bench::{Bench, Demo, Status, progress};

const IDS: [&str; 4] = ["a", "b", "c", "d"];

/// Four handlers, of which the first fails once if asked to.
fn registry(bench: &Bench, is_failing: bool) -> Registry {
    IDS.into_iter().fold(Registry::new(), |registry, id| {
        let handler = bench.handler(move |call| {
            let is_failure = is_failing && id == "a" && call.attempt.retry == 0;
            std::future::ready(if is_failure {
                Err(TemporaryError::new("once", Duration::ZERO).into())
            } else {
                Ok(())
            })
        });
        registry.add(on::create::<Demo>().id(id).run(handler))
    })
}

fn settings(lifecycle: Lifecycle, seed: u64) -> Settings {
    let mut settings = Settings::default();
    settings.execution.lifecycle = lifecycle;
    settings.execution.lifecycle_seed = Some(seed);
    settings
}

/// The calls for one object, and the writes to it.
async fn handled(lifecycle: Lifecycle, is_failing: bool, seed: u64) -> (Vec<String>, usize) {
    let bench = Bench::new(Status::Open).await;
    let running = bench
        .start_with(registry(&bench, is_failing), settings(lifecycle, seed))
        .await;
    bench.create("x", json!({"size": 1})).await;
    bench.until_handled("x").await;
    running.stop().await;
    assert_eq!(progress(&bench.get("x").await.unwrap()), None);
    (bench.calls.names(), bench.writes("x").len())
}

#[tokio::test(start_paused = true)]
async fn all_run_at_once_in_one_write_by_default() {
    assert_eq!(
        Settings::default().execution.lifecycle,
        Lifecycle::AllAtOnce
    );
    let (calls, writes) = handled(Lifecycle::AllAtOnce, false, 0).await;
    assert_eq!(calls, ["a/0", "b/0", "c/0", "d/0"]);
    assert_eq!(writes, 1);
}

#[tokio::test(start_paused = true)]
async fn one_runs_in_each_cycle_and_the_others_follow_without_an_event() {
    for lifecycle in [Lifecycle::OneByOne, Lifecycle::Asap] {
        let (calls, writes) = handled(lifecycle, false, 0).await;
        assert_eq!(calls, ["a/0", "b/0", "c/0", "d/0"], "{lifecycle:?}");
        assert_eq!(writes, 4, "{lifecycle:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn asap_prefers_those_that_were_called_less_often() {
    let (calls, _) = handled(Lifecycle::Asap, true, 0).await;
    assert_eq!(calls, ["a/0", "b/0", "c/0", "d/0", "a/1"]);
    let (calls, _) = handled(Lifecycle::OneByOne, true, 0).await;
    assert_eq!(calls, ["a/0", "a/1", "b/0", "c/0", "d/0"]);
}

#[tokio::test(start_paused = true)]
async fn random_lifecycles_call_all_in_an_order_of_the_objects_own() {
    for (lifecycle, expected_writes) in [(Lifecycle::Randomized, 4), (Lifecycle::Shuffled, 1)] {
        let mut orders = Vec::new();
        for seed in 0..8 {
            let (calls, writes) = handled(lifecycle, false, seed).await;
            assert_eq!(writes, expected_writes, "{lifecycle:?}");
            let mut sorted = calls.clone();
            sorted.sort();
            assert_eq!(sorted, ["a/0", "b/0", "c/0", "d/0"]);
            orders.push(calls);
        }
        orders.sort();
        orders.dedup();
        assert!(orders.len() > 2, "{lifecycle:?}: {orders:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_between_repeats_no_handler() {
    let bench = Bench::new(Status::Open).await;
    let handlers = || {
        IDS.into_iter().fold(Registry::new(), |registry, id| {
            let handler = bench.handler(|_| async {
                tokio::time::sleep(Duration::from_secs(10)).await;
                Ok(())
            });
            registry.add(on::create::<Demo>().id(id).run(handler))
        })
    };
    let running = bench
        .start_with(handlers(), settings(Lifecycle::OneByOne, 0))
        .await;
    bench.create("x", json!({"size": 1})).await;
    bench.until_calls(3).await;
    running.kill().await;
    let running = bench
        .start_with(handlers(), settings(Lifecycle::Asap, 0))
        .await;
    bench.until_handled("x").await;
    assert_eq!(bench.calls.names(), ["a/0", "b/0", "c/0", "c/0", "d/0"]);
    running.stop().await;
}
