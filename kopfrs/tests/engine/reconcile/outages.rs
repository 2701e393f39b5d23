//! The API does not answer: what handlers have asked for is written all the same, and comes in its time.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::bench::{Running, Status};

/// The handler says how the object is to be told; with its first call an outage begins in which nothing can be patched.
struct Outage {
    bench: Bench,
    times: Times,
    is_down: Arc<AtomicBool>,
}

impl Outage {
    async fn new() -> Self {
        let is_down = Arc::new(AtomicBool::new(false));
        let down = is_down.clone();
        let refuse = move |request: &http::Request<kube::client::Body>| {
            (down.load(Ordering::SeqCst) && request.method() == "PATCH").then_some(503)
        };
        Self {
            bench: Bench::new(Status::Open).await.refusing(refuse),
            times: Times::new(),
            is_down,
        }
    }

    /// Handles an object through an outage of a minute.
    async fn pass(&self, handler: Builder<Reconcile>, others: Registry) -> Running {
        let (times, is_down) = (self.times.clone(), self.is_down.clone());
        let apply = self
            .times
            .giving(move |call: Arc<Invocation<ChangingCause>>| {
                if times.count("a") == 1 {
                    is_down.store(true, Ordering::SeqCst);
                }
                call.cause.patch.status(json!({"phase": "Applied"}));
                std::future::ready(Ok(Action::Done))
            });
        let registry = others.add(handler.run(apply));
        let running = self.bench.start(registry).await;
        self.bench.create("a", json!({"size": 1})).await;
        let is_called = || async { self.times.count("a") > 0 };
        self.bench.until("a call", is_called).await;
        sleep(Duration::from_secs(60)).await;
        self.is_down.store(false, Ordering::SeqCst);
        running
    }

    async fn until_told(&self, field: &str) {
        let is_told = || async { self.bench.get("a").await.unwrap()["status"][field].is_string() };
        self.bench.until(field, is_told).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_no_attempt_of_the_handler() {
    for limited in [
        handler().retries(1),
        handler().timeout(Duration::from_secs(10)),
    ] {
        let outage = Outage::new().await;
        let running = outage.pass(limited, Registry::new()).await;
        outage.until_told("phase").await;
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_event_handlers_want_outlives_an_outage() {
    let outage = Outage::new().await;
    let is_told = Arc::new(AtomicBool::new(false));
    let seen = on::event::<Demo>().id("seen").run(
        move |call: Arc<Invocation<kopfrs::cause::WatchingCause>>| {
            if !is_told.swap(true, Ordering::SeqCst) {
                call.cause.patch.status(json!({"seen": "once"}));
            }
            std::future::ready(())
        },
    );
    let running = outage.pass(handler(), Registry::new().add(seen)).await;
    outage.until_told("seen").await;
    outage.until_told("phase").await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_requeue_comes_though_the_index_of_the_object_was_tried_again_when_it_was_due() {
    let bench = Bench::new(Status::Open).await;
    let times = Times::new();
    let apply = times.giving(|call: Arc<Invocation<ChangingCause>>| async move {
        if call.cause.body.name() == "b" {
            sleep(Duration::from_secs(3)).await;
        }
        Ok(Action::requeue(Duration::from_secs(10)))
    });
    let failing = on::index::<Demo>().id("failing").run(|body: Body| {
        let again = TemporaryError::new("never", Duration::from_secs(9));
        let failure = if body.name() == "a" {
            Err(HandlerError::from(again))
        } else {
            Ok(())
        };
        std::future::ready(failure.map(|()| std::collections::BTreeMap::<String, String>::new()))
    });
    let mut settings = Settings::default();
    settings.queueing.worker_limit = Some(1);
    let registry = only(handler().run(apply)).add(failing);
    let running = bench.start_with(registry, settings).await;
    bench.create("a", json!({"size": 1})).await;
    sleep(Duration::from_millis(8500)).await;
    bench.create("b", json!({"size": 1})).await;
    sleep(Duration::from_mins(1)).await;
    assert!(times.count("a") >= 4, "{:?}", times.pauses("a"));
    running.stop().await;
}
