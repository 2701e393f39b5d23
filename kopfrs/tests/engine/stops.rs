//! Operators that are stopped while something does not come to an end.

use std::time::Duration;

use kopfrs::operator::OperatorError;
use kopfrs::prelude::*;
use tokio::time::{Instant, sleep, timeout};

use crate::bench::{Bench, Demo, Status};

/// Stops an operator whose cleanup never succeeds, with a handler that never ends if there is an
/// object. Gives how long it took, and why it ended.
async fn stopped(
    object: Option<&str>,
    again: impl Future<Output = ()> + Send + 'static,
) -> (u64, String) {
    let bench = Bench::new(Status::Open).await;
    if let Some(name) = object {
        bench.create(name, json!({"size": 1})).await;
    }
    let endless = bench.handler(|_| std::future::pending());
    let failing = || async { Err::<(), _>(std::io::Error::other("no")) };
    let registry = Registry::new()
        .add(on::create::<Demo>().id("create").run(endless))
        .add(on::cleanup().id("cleanup").run(failing));
    let operator = Operator::builder()
        .registry(registry)
        .client(bench.client.clone())
        .stop_when(sleep(Duration::from_secs(1)))
        .cancel_when(again);
    let began = Instant::now();
    let running = operator.build().unwrap().run();
    let ended = timeout(Duration::from_secs(86400), running).await;
    let error = ended.expect("the cleanup ends").unwrap_err();
    assert!(matches!(error, OperatorError::Cleanup { .. }));
    (began.elapsed().as_secs(), error.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_that_never_succeeds_ends_with_its_budget() {
    let (seconds, error) = stopped(None, std::future::pending()).await;
    assert!((60..65).contains(&seconds), "{seconds}");
    assert!(error.contains("not finished within 60s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_that_never_succeeds_ends_when_told_to_stop_again() {
    let (seconds, error) = stopped(None, sleep(Duration::from_secs(10))).await;
    assert!((10..12).contains(&seconds), "{seconds}");
    assert!(error.contains("told to stop again"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn after_handlers_were_cancelled_a_cleanup_has_a_moment_only() {
    let (seconds, error) = stopped(Some("a"), sleep(Duration::from_secs(10))).await;
    assert!((15..17).contains(&seconds), "{seconds}");
    assert!(error.contains("not finished within 5s"), "{error}");
}

/// Real threads: what is spawned on a runtime that goes down is dropped then and there.
#[test]
fn a_runtime_may_go_down_while_objects_line_up() {
    let (ended, has_ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for _ in 0..3 {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(4).enable_all().build().unwrap();
            runtime.block_on(async {
                let bench = Bench::new(Status::Open).await;
                for number in 0..500 {
                    bench
                        .create(&format!("d{number}"), json!({"size": 1}))
                        .await;
                }
                let handler = on::create::<Demo>().id("create").run(bench.noting());
                let running = bench.launch(Registry::new().add(handler), Settings::default());
                bench.until_calls(1).await;
                drop(running);
            });
        }
        ended.send(()).unwrap();
    });
    let waited = has_ended.recv_timeout(Duration::from_secs(60));
    waited.expect("nobody waits for somebody who is gone");
}
