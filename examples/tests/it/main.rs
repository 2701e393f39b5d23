//! Every example at work: an object that comes and goes, in a cluster of its own as `kopfrs::testing` gives it. What is
//! about whole programs, their commands and the signals that they get, runs them as their readers do.

mod background;
mod commands;
mod devoops;
mod examples;
mod kopf;
mod kuberator;
mod lifecycle;
mod logs;
mod pods;
mod program;
mod rights;
mod sandboxed;
mod story;
mod whole;
mod wires;

use kopfrs::Registry;
use kopfrs::testing::OperatorHandle;

/// The handlers of one example.
fn handlers_of(example: &str) -> Registry {
    let handlers = Registry::module(&format!("{}::examples::{example}", module_path!()));
    assert!(!handlers.is_empty(), "there is no example {example}");
    handlers
}

/// Stops an operator, in the framework of which nothing may have gone wrong.
async fn stop(operator: &OperatorHandle) {
    operator.stop().await;
    let log = operator.log();
    for text in [
        "panicked",
        "could not be",
        "has failed and is tried again",
        "does not keep",
    ] {
        assert!(!log.contains(text), "{text:?} in:\n{log}");
    }
}
