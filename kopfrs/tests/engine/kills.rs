//! Killed at any moment: the operator is dropped after each possible number of steps, at creation,
//! update and deletion, and another one takes over.

use kopfrs::prelude::*;

use crate::bench::{Bench, Demo, Status, memory, progress};

/// More steps than any handling takes in one process with its API server.
const STEPS: usize = 120;

fn life(bench: &Bench) -> Registry {
    let phased = |phase: &'static str| {
        bench.handler(move |call| {
            call.cause.patch.status(json!({ "phase": phase }));
            std::future::ready(Ok(()))
        })
    };
    Registry::new()
        .add(on::create::<Demo>().id("create").run(phased("created")))
        .add(on::update::<Demo>().id("update").run(phased("updated")))
        .add(on::delete::<Demo>().id("delete").run(bench.noting()))
}

/// Lets the operator go on for some steps, and kills it.
async fn kill_after(bench: &Bench, steps: usize, running: crate::bench::Running) {
    for _ in 0..steps {
        tokio::task::yield_now().await;
    }
    running.kill().await;
    bench.calls.clear();
}

async fn check(status: Status, steps: usize) {
    let bench = Bench::new(status).await;
    let running = bench.start(life(&bench)).await;
    bench.create("a", json!({"size": 1})).await;
    kill_after(&bench, steps, running).await;
    let was_handled = memory(&bench.get("a").await.unwrap()).is_some();

    let running = bench.start(life(&bench)).await;
    bench.until_handled("a").await;
    let expected = if was_handled {
        vec![]
    } else {
        vec!["create/0"]
    };
    assert_eq!(
        bench.calls.names(),
        expected,
        "{status:?}, killed {steps} steps after the creation"
    );
    let phase = |object: &Value| object["status"]["phase"].clone();
    assert_eq!(phase(&bench.get("a").await.unwrap()), "created");

    bench.merge("a", json!({"spec": {"size": 2}})).await;
    kill_after(&bench, steps, running).await;
    let before = memory(&bench.get("a").await.unwrap()).unwrap();
    bench.merge("a", json!({"spec": {"size": 3}})).await;
    let running = bench.start(life(&bench)).await;
    bench.until_handled("a").await;
    let update = bench.calls.all().pop().unwrap();
    assert_eq!(
        (&*update.handler, &update.old, &update.new["size"]),
        ("update", &before["spec"], &json!(3))
    );
    assert_eq!(phase(&bench.get("a").await.unwrap()), "updated");

    bench.calls.clear();
    bench.delete("a").await;
    kill_after(&bench, steps, running).await;
    let was_released = bench.get("a").await.is_none();
    let running = bench.start(life(&bench)).await;
    bench.until_gone("a").await;
    let expected = if was_released {
        vec![]
    } else {
        vec!["delete/0"]
    };
    assert_eq!(
        bench.calls.names(),
        expected,
        "{status:?}, killed {steps} steps after the deletion"
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_nothing_stays_behind_with_memory_in_the_status() {
    for steps in 0..STEPS {
        check(Status::Open, steps).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_nothing_stays_behind_with_memory_in_annotations() {
    for steps in 0..STEPS {
        check(Status::Strict, steps).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_retried_handler_goes_on_with_its_attempt_wherever_it_was_killed() {
    for steps in 0..STEPS {
        let bench = Bench::new(Status::Open).await;
        let registry = || {
            let failing = bench.handler(|call| {
                let is_first = call.attempt.retry == 0;
                std::future::ready(if is_first {
                    Err(TemporaryError::after_secs("not yet", 10).into())
                } else {
                    Ok(())
                })
            });
            Registry::new()
                .add(on::create::<Demo>().id("quick").run(bench.noting()))
                .add(on::create::<Demo>().id("retried").run(failing))
        };
        let running = bench.start(registry()).await;
        bench.create("a", json!({"size": 1})).await;
        kill_after(&bench, steps, running).await;
        let saved = progress(&bench.get("a").await.unwrap());
        let running = bench.start(registry()).await;
        bench.until_handled("a").await;
        let expected = match saved {
            Some(_) => vec!["retried/1"],
            None => vec!["quick/0", "retried/0", "retried/1"],
        };
        assert_eq!(
            bench.calls.names(),
            expected,
            "killed {steps} steps after the creation"
        );
        running.stop().await;
    }
}
