//! Daemons: functions that run for as long as an object is there.

use std::time::Instant;

use kopfrs::prelude::*;

/// Blocks a thread, and sleeps in a way that is interrupted when it is to end.
#[on::daemon("kopfexamples", initial_delay = 0.5)]
fn background_sync(
    live: &Live,
    name: &str,
    retry: u32,
    patch: &Patch,
    stopped: &Stopped,
) -> Result<Value> {
    if retry < 3 {
        patch.status(json!({ "message": format!("attempt {retry} has failed") }));
        return Err(TemporaryError::after_secs("simulated failure", 1).into());
    }
    let began = Instant::now();
    while !stopped.wait(Duration::from_secs(2)) {
        // What it was called with is of the beginning, this is of now.
        info!("=> ping of {name} {}", live.body().spec());
    }
    info!(
        "=> ending after {:?}: {}",
        began.elapsed(),
        stopped.reason()
    );
    Ok(json!({ "finished": true }))
}

/// Costs no thread. It does not look whether it is to end, so it is cancelled a second after it is told to.
#[on::daemon(
    "kopfexamples",
    annotations(someannotation = "somevalue"),
    cancellation_backoff = "1s",
    cancellation_timeout = "500ms"
)]
async fn background_async(live: Live, name: &str) {
    loop {
        info!("=> ping of {name} {}", live.body().spec());
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

kopfrs::main!();
