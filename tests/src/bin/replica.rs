//! An operator for tests that run several of it: it signs what it has handled with its name (`REPLICA`).

use std::time::Duration;

use kopfrs::prelude::*;

/// So long a handler takes: whoever is frozen is frozen in the middle of some.
const WORK: Duration = Duration::from_millis(300);

#[on::startup]
async fn name() -> State<String> {
    State(std::env::var("REPLICA").unwrap_or_else(|_| "nobody".to_owned()))
}

#[on::create("ledgers.replicas.test")]
async fn sign(name: &str, patch: &Patch, replica: State<String>) {
    info!("SIGNING {name}");
    tokio::time::sleep(WORK).await;
    patch.status(json!({"by": replica.as_str()}));
}

kopfrs::main!();
