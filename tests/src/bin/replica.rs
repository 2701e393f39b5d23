//! An operator for tests that run several of it: it signs what it has handled with its name (`REPLICA`).

use std::time::Duration;

use kopfrs::prelude::*;

/// So long a handler takes: whoever is frozen is frozen in the middle of some.
const WORK: Duration = Duration::from_millis(300);

#[on::startup]
async fn name() -> State<String> {
    State(std::env::var("REPLICA").unwrap_or_else(|_| "nobody".to_owned()))
}

/// Where others sign who remember what they have handled in another place (`SHARED`), what they have
/// signed stays as it is.
fn is_mine(cause: &ChangingCause) -> bool {
    std::env::var_os("SHARED").is_none() || cause.body.status()["by"].is_null()
}

#[on::create("ledgers.replicas.test", when = is_mine)]
async fn sign(name: &str, patch: &Patch, replica: State<String>) {
    info!("SIGNING {name}");
    tokio::time::sleep(WORK).await;
    patch.status(json!({"by": replica.as_str()}));
}

kopfrs::main!();
