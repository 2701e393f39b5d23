//! Who waits for whom: everybody for startup handlers, and no object for another one.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use kopfrs::cause::ChangingCause;
use kopfrs::handler::Invocation;
use kopfrs::prelude::*;

use crate::bench::{Bench, Demo, Status};

#[tokio::test(start_paused = true)]
async fn no_request_leaves_before_the_last_startup_handler_has_ended() {
    let bench = Bench::new(Status::Open).await;
    let before = bench.sandbox.journal().requests().iter().count();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let startup = |id: &str, seconds: u64| {
        let (journal, sent) = (bench.sandbox.journal(), sent.clone());
        on::startup().id(id).run(move || {
            let (journal, sent) = (journal.clone(), sent.clone());
            async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                sent.lock().unwrap().push(journal.requests().iter().count());
            }
        })
    };
    let registry = Registry::new()
        .add(startup("first", 5))
        .add(startup("second", 10))
        .add(on::create::<Demo>().id("create").run(bench.noting()));
    let running = bench.start(registry).await;
    assert_eq!(*sent.lock().unwrap(), [before, before]);
    assert!(bench.sandbox.journal().requests().iter().count() > before);
    running.stop().await;
}

#[tokio::test]
async fn a_function_that_blocks_its_thread_holds_up_no_other_object() {
    let bench = Bench::new(Status::Open).await;
    let (tell, told) = mpsc::channel::<()>();
    let told = Mutex::new(told);
    // The slow one ends when the quick one has been handled: if it held that up, neither would end.
    let create = move |call: Arc<Invocation<ChangingCause>>| {
        if call.cause.body.name() == "quick" {
            tell.send(()).map_err(|error| error.to_string())?;
            return Ok::<_, HandlerError>(());
        }
        let told = told.lock().unwrap().recv_timeout(Duration::from_secs(30));
        Ok(told.map_err(|error| PermanentError::new(error.to_string()))?)
    };
    let handler = on::create::<Demo>().id("create").run_blocking(create);
    let running = bench.start(Registry::new().add(handler)).await;
    bench.create("slow", json!({"size": 1})).await;
    bench.create("quick", json!({"size": 1})).await;
    bench.until_handled("quick").await;
    bench.until_handled("slow").await;
    running.stop().await;
}
