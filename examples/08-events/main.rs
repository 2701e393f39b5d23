//! The events of the watch as they come: nothing is remembered of them, nothing is tried again.

use kopfrs::prelude::*;

#[on::event("kopfexamples")]
async fn event_fn_with_error() -> Result {
    Err("an error of an event handler is logged, and that is all".into())
}

#[on::event("kopfexamples")]
async fn normal_event_fn(event: &RawEvent, name: &str) {
    let version = event.object.meta()["resourceVersion"].as_str();
    info!(
        "{} {name} in version {}",
        event.event_type,
        version.unwrap_or("?")
    );
}

kopfrs::main!();
