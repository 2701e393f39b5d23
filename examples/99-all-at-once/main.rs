//! A bit of everything: hooks, children, events, retries, results, changes, and the events of the children.

use std::thread;

use k8s_openapi::api::core::v1::Pod;
use kopfrs::api::Severity;
use kopfrs::hierarchies;
use kopfrs::prelude::*;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

#[on::startup]
async fn startup_fn_simple() {
    info!("starting in 1s");
    sleep(SECOND).await;
}

#[on::startup]
fn startup_fn_retried(retry: u32) -> Result {
    if retry < 3 {
        let message = format!("going to succeed in {}s", 3 - retry);
        return Err(TemporaryError::new(message, SECOND).into());
    }
    info!("starting, after some attempts");
    Ok(())
}

#[on::cleanup]
async fn cleanup_fn() {
    info!("cleaning up in 3s");
    sleep(3 * SECOND).await;
}

#[on::create("kopfexamples")]
async fn create_1(body: &Body, uid: &str, actions: Actions, events: Events) -> Result<Value> {
    let children = actions.list::<Pod>().labels(&format!("parent={uid}"));
    let children = children.await?.into_iter().collect::<Vec<_>>();
    events.info(body, "AnyReason", "");
    events.event(body, Severity::Warning, "SomeReason", "Cannot do something");
    events.event(
        &children,
        Severity::Normal,
        "SomeReason",
        "Created as a part of it",
    );
    Ok(json!({ "job1-status": 100 }))
}

/// Blocks its thread while it waits for something outside, as old libraries do.
#[on::create("kopfexamples", backoff = "1s")]
fn create_2(retry: u32) -> Result<Value> {
    thread::sleep(SECOND);
    if retry == 0 {
        // Tried again by the framework, even if that is restarted meanwhile.
        return Err(std::io::Error::other("whoops").into());
    }
    Ok(json!({ "job2-status": 100 }))
}

#[on::create("kopfexamples")]
async fn create_pod(name: &str, actions: Actions) -> Result {
    let mut pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": format!("{name}-once")},
        "spec": {
            "containers": [
                {"name": "the-only-one", "image": "busybox", "command": ["sh", "-x", "-c", "sleep 1"]},
            ],
        },
    }))?;
    // Whom it goes with, where it is, and the labels of its owner; then one of its own.
    actions.adopt(&mut pod)?;
    hierarchies::label(&mut pod, [("application", "kopf-example-10")])?;
    let created = actions.create(&mut pod).await;
    // It is there already if this is called again after a crash.
    created.ignore_already_exists()?;
    Ok(())
}

#[on::update("kopfexamples")]
fn update(diff: &Diff) {
    for change in diff {
        info!("handling {change}");
    }
}

#[on::field("kopfexamples", field = "spec.lst")]
fn update_lst(old: Option<&Value>, new: Option<&Value>) {
    info!("handling the field: {old:?} -> {new:?}");
}

#[on::delete("kopfexamples")]
fn delete() {}

#[on::event(Pod, labels(application = "kopf-example-10"))]
fn example_pod_change() {
    info!("this pod is special for us");
}

kopfrs::main!();
