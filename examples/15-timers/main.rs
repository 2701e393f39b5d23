//! Timers: functions that are called again and again.

use kopfrs::prelude::*;

/// Blocks a thread, for as long as a call takes.
#[on::timer("kopfexamples", idle = 5, interval = 2)]
fn every_few_seconds_sync(spec: &Value) {
    info!("Ping from a sync timer: {}", spec["field"]);
}

/// Costs no thread.
#[on::timer("kopfexamples", idle = 10, interval = 4)]
async fn every_few_seconds_async(spec: &Value) {
    info!("Ping from an async timer: {}", spec["field"]);
}

kopfrs::main!();
