//! An operator that does not end by itself: its cleanup handler blocks the thread that it runs on.

use kopfrs::prelude::*;

#[on::startup]
fn startup() {
    info!("STARTED");
}

#[on::cleanup]
async fn cleanup() {
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

kopfrs::main!();
