//! An operator that cannot even notice that it is to end: its daemon blocks the only thread that there is.

use kopfrs::prelude::*;

#[on::daemon("namespaces", finalizer = false)]
async fn block() {
    info!("BLOCKING");
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

kopfrs::main!();
