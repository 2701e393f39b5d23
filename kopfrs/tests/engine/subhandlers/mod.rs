//! Handlers that leave parts of their work to sub-handlers.

mod changes;
mod kopf;
mod mistakes;
mod restarts;
mod rounds;

use std::time::Duration;

use kopfrs::prelude::*;

use crate::bench::{Bench, Calls, Demo, Status};

/// One sub-handler for each of `spec.items`, and one below it for each of `spec.nested.<item>`.
pub(crate) fn register(calls: &Calls, call: &Invocation<ChangingCause>, subs: &Subhandlers) {
    for item in texts(&call.cause.body.spec()["items"]) {
        let calls = calls.clone();
        subs.register(&item).run(
            async move |call: Arc<Invocation<ChangingCause>>, subs: Subhandlers| -> Result<Value> {
                calls.note(&call);
                for item in texts(&call.cause.body.spec()["nested"][&item]) {
                    let calls = calls.clone();
                    subs.register(item).run(
                        async move |call: Arc<Invocation<ChangingCause>>| -> Result<Value> {
                            calls.note(&call);
                            scripted(&call).await
                        },
                    );
                }
                scripted(&call).await
            },
        );
    }
}

fn texts(list: &Value) -> Vec<String> {
    serde_json::from_value(list.clone()).unwrap_or_default()
}

/// What a handler does by its number of attempts: `spec.script.<id>` is a list of steps.
pub(crate) async fn scripted(call: &Invocation<ChangingCause>) -> Result<Value> {
    let steps = &call.cause.body.spec()["script"][&*call.handler];
    let step = &steps[usize::try_from(call.attempt.retry).unwrap()];
    if let Some(seconds) = step["sleep"].as_u64() {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    if let Some(seconds) = step["later"].as_u64() {
        Err(TemporaryError::after_secs("later", seconds))?;
    }
    if let Some(text) = step["never"].as_str() {
        Err(PermanentError::new(text))?;
    }
    Ok(step["return"].clone())
}

/// A function for a handler that has sub-handlers, and does what the script says.
pub(crate) fn parent(
    bench: &Bench,
) -> impl Fn(
    Arc<Invocation<ChangingCause>>,
    Subhandlers,
) -> futures::future::BoxFuture<'static, Result<Value>>
+ Clone
+ Send
+ Sync
+ 'static {
    let calls = bench.calls.clone();
    move |call, subs| {
        calls.note(&call);
        register(&calls, &call, &subs);
        Box::pin(async move { scripted(&call).await })
    }
}

/// A creation with sub-handlers, and another one after it.
pub(crate) fn creation(bench: &Bench) -> Registry {
    Registry::new()
        .add(on::create::<Demo>().id("p").run(parent(bench)))
        .add(on::create::<Demo>().id("z").run(bench.noting()))
}

pub(crate) async fn bench() -> Bench {
    Bench::new(Status::Open).await
}
