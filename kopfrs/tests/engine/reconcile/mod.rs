//! Reconciliation: when the handler is called, and what it leads to.

mod calls;
mod errors;
mod outages;
mod related;
mod status;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::cause::ChangingCause;
use kopfrs::handler::{Handler, Invocation};
use kopfrs::on::{Builder, Reconcile};
use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo};

/// When each call was made, since the first look at the clock, in milliseconds; and for which object.
#[derive(Clone)]
pub(super) struct Times {
    start: Instant,
    calls: Arc<Mutex<Vec<(u64, String)>>>,
}

impl Times {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            calls: Arc::default(),
        }
    }

    pub(super) fn note(&self, call: &Invocation<ChangingCause>) {
        let at = u64::try_from(self.start.elapsed().as_millis()).unwrap();
        let name = call.cause.body.name().to_owned();
        self.calls.lock().unwrap().push((at, name));
    }

    /// The pauses between the calls for an object, in seconds.
    pub(super) fn pauses(&self, name: &str) -> Vec<u64> {
        let calls = self.calls.lock().unwrap();
        let calls = calls.iter().filter(|(_, of)| of == name);
        let at: Vec<u64> = calls.map(|(at, _)| *at).collect();
        at.windows(2)
            .map(|two| (two[1] - two[0] + 500) / 1000)
            .collect()
    }

    pub(super) fn count(&self, name: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(_, of)| of == name).count()
    }

    /// A function for a handler: notes the call, and gives what is asked for.
    pub(super) fn giving<F>(
        &self,
        give: impl Fn(Arc<Invocation<ChangingCause>>) -> F + Clone + Send + Sync + 'static,
    ) -> impl Fn(Arc<Invocation<ChangingCause>>) -> F + Clone + Send + Sync + 'static
    where
        F: Future<Output = Result<Action>> + Send + 'static,
    {
        let times = self.clone();
        move |call: Arc<Invocation<ChangingCause>>| {
            times.note(&call);
            give(call)
        }
    }

    /// A function for a handler that is content.
    pub(super) fn done(
        &self,
    ) -> impl Fn(Arc<Invocation<ChangingCause>>) -> std::future::Ready<Result<Action>>
    + Clone
    + Send
    + Sync
    + 'static {
        self.giving(|_| std::future::ready(Ok(Action::Done)))
    }
}

/// A handler that is never called but for what happens.
pub(super) fn handler() -> Builder<Reconcile> {
    on::reconcile::<Demo>().id("apply").resync(Duration::ZERO)
}

pub(super) fn only(handler: Handler<ChangingCause>) -> Registry {
    Registry::new().add(handler)
}

/// Long enough for everything that is going to happen at once.
pub(super) async fn a_while() {
    sleep(Duration::from_secs(30)).await;
}

/// Waits until the handler was called so often for an object, and not more often in a while.
pub(super) async fn settled(bench: &Bench, times: &Times, name: &str, count: usize) {
    let what = format!("call {count} for {name}");
    bench
        .until(&what, || async { times.count(name) >= count })
        .await;
    a_while().await;
    assert_eq!(times.count(name), count, "{what}");
}
