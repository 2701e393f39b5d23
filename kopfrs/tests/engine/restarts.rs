//! What a restart knows, after a stop and after a kill.

use std::time::Duration;

use kopfrs::prelude::*;

use crate::bench::{Bench, Demo, Status, progress};

/// One handler that succeeds at once, then one that never ends.
fn half_done(bench: &Bench) -> Registry {
    let endless = bench.handler(|_| std::future::pending());
    Registry::new()
        .add(on::create::<Demo>().id("first").run(bench.noting()))
        .add(on::create::<Demo>().id("second").run(endless))
}

fn content(bench: &Bench) -> Registry {
    Registry::new()
        .add(on::create::<Demo>().id("first").run(bench.noting()))
        .add(on::create::<Demo>().id("second").run(bench.noting()))
}

#[tokio::test(start_paused = true)]
async fn after_a_kill_saved_handlers_do_not_run_again_and_the_others_do() {
    let bench = Bench::new(Status::Open).await;
    let running = bench.start(half_done(&bench)).await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .until("the progress to be saved", || async {
            progress(&bench.get("a").await.unwrap()).is_some()
        })
        .await;
    running.kill().await;
    bench.calls.clear();
    let running = bench.start(content(&bench)).await;
    bench.until_handled("a").await;
    assert_eq!(bench.calls.names(), ["second/0"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_saves_what_has_finished() {
    let bench = Bench::new(Status::Open).await;
    let running = bench.start(half_done(&bench)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(2).await;
    running.stop().await;
    bench.calls.clear();
    let running = bench.start(content(&bench)).await;
    bench.until_handled("a").await;
    assert_eq!(bench.calls.names(), ["second/0"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn offline_edits_are_one_update_and_offline_deletions_are_handled() {
    let bench = Bench::new(Status::Open).await;
    let registry = || {
        Registry::new()
            .add(on::create::<Demo>().id("create").run(bench.noting()))
            .add(on::resume::<Demo>().id("resume").run(bench.noting()))
            .add(on::update::<Demo>().id("update").run(bench.noting()))
            .add(on::delete::<Demo>().id("delete").run(bench.noting()))
    };
    let running = bench.start(registry()).await;
    for name in ["edited", "deleted", "untouched"] {
        bench.create(name, json!({"size": 1})).await;
        bench.until_handled(name).await;
    }
    running.stop().await;
    bench.calls.clear();
    bench.merge("edited", json!({"spec": {"size": 2}})).await;
    bench.merge("edited", json!({"spec": {"size": 3}})).await;
    bench.delete("deleted").await;
    let running = bench.start(registry()).await;
    bench.until_gone("deleted").await;
    bench.until_handled("edited").await;
    bench.until_calls(4).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let of = |name: &str| -> Vec<String> {
        let calls = bench
            .calls
            .all()
            .into_iter()
            .filter(|call| call.name == name);
        calls
            .map(|call| format!("{} {}→{}", call.handler, call.old["size"], call.new["size"]))
            .collect()
    };
    assert_eq!(of("edited"), ["resume 1→3", "update 1→3"]);
    assert_eq!(of("deleted"), ["delete 1→1"]);
    assert_eq!(of("untouched"), ["resume 1→1"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn retries_go_on_where_they_were() {
    let bench = Bench::new(Status::Open).await;
    let failing = || {
        let handler = bench.handler(|call| {
            let retry = call.attempt.retry;
            std::future::ready(if retry < 2 {
                Err(TemporaryError::after_secs("later", 50).into())
            } else {
                Ok(())
            })
        });
        Registry::new().add(on::create::<Demo>().id("create").run(handler))
    };
    let running = bench.start(failing()).await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .until("the progress to be saved", || async {
            progress(&bench.get("a").await.unwrap()).is_some()
        })
        .await;
    running.kill().await;
    let killed = tokio::time::Instant::now();
    let running = bench.start(failing()).await;
    bench.until_calls(2).await;
    assert!(
        killed.elapsed() > Duration::from_secs(40),
        "the delay is kept"
    );
    bench.until_handled("a").await;
    assert_eq!(bench.calls.names(), ["create/0", "create/1", "create/2"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_while_the_operator_is_down_in_the_middle_of_a_creation_is_an_update_after_it() {
    for status in [Status::Open, Status::Strict] {
        let bench = Bench::new(status).await;
        let registry = || {
            let failing = bench.handler(|call| {
                let is_first = call.attempt.retry == 0;
                std::future::ready(if is_first {
                    Err(TemporaryError::after_secs("not yet", 30).into())
                } else {
                    Ok(())
                })
            });
            Registry::new()
                .add(on::create::<Demo>().id("quick").run(bench.noting()))
                .add(on::create::<Demo>().id("retried").run(failing))
                .add(on::update::<Demo>().id("update").run(bench.noting()))
        };
        let running = bench.start(registry()).await;
        bench.create("a", json!({"size": 1})).await;
        bench
            .until("the progress to be saved", || async {
                progress(&bench.get("a").await.unwrap()).is_some()
            })
            .await;
        running.kill().await;
        bench.merge("a", json!({"spec": {"size": 2}})).await;
        let running = bench.start(registry()).await;
        bench.until_calls(4).await;
        bench.until_handled("a").await;
        assert_eq!(
            bench.calls.names(),
            ["quick/0", "retried/0", "retried/1", "update/0"],
            "{status:?}"
        );
        let update = &bench.calls.all()[3];
        assert_eq!(
            (&update.old["size"], &update.new["size"]),
            (&json!(1), &json!(2))
        );
        running.stop().await;
    }
}
