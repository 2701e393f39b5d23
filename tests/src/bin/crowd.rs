//! An operator with a daemon and a timer for each of a thousand objects.

use std::sync::atomic::{AtomicUsize, Ordering};

use kopfrs::prelude::*;

static DAEMONS: AtomicUsize = AtomicUsize::new(0);
static TIMERS: AtomicUsize = AtomicUsize::new(0);

fn count(one: &AtomicUsize, what: &str) {
    if one.fetch_add(1, Ordering::SeqCst) + 1 == 1000 {
        info!("A THOUSAND {what}");
    }
}

#[on::daemon("members.crowd.test")]
async fn stay(stopped: Stopped) {
    count(&DAEMONS, "DAEMONS");
    stopped.until_set().await;
}

#[on::timer("members.crowd.test", interval = "1h", initial_delay = "1s")]
async fn tick() {
    count(&TIMERS, "TIMERS");
}

kopfrs::main!();
