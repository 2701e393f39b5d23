//! What objects stand for: killed at any moment, something outside comes to be what is asked for, once.

use std::sync::{Arc, Mutex};

use kopfrs::cause::ChangingCause;
use kopfrs::handler::Invocation;
use kopfrs::lifecycle::{Applied, Deleted, Verified};
use kopfrs::prelude::*;
use kopfrs::registry::RegistryError;
use tokio::task::yield_now;

use crate::bench::{Bench, Demo, Running, Status};
use crate::logs::Log;

/// More steps than any lifecycle takes in one process with its API server.
const STEPS: usize = 150;

/// Something outside, and how often it was touched.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    pub(crate) size: Option<u64>,
    created: usize,
    updated: usize,
    deleted: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Store(Arc<Mutex<Outside>>);

impl Store {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Outside)) {
        change(&mut self.0.lock().unwrap());
    }

    pub(crate) fn size(&self) -> Option<u64> {
        self.0.lock().unwrap().size
    }

    fn touched(&self) -> [usize; 3] {
        let outside = self.0.lock().unwrap();
        [outside.created, outside.updated, outside.deleted]
    }
}

fn size(call: &Invocation<ChangingCause>) -> u64 {
    call.cause.body.spec()["size"].as_u64().unwrap()
}

fn handlers(store: &Store) -> Registry {
    let verify = store.clone();
    let verify = move |call: Arc<Invocation<ChangingCause>>| {
        let found = verify.size();
        async move {
            match found {
                None => Verified::Missing,
                Some(found) if found == size(&call) => Verified::Ready,
                Some(_) => Verified::UpdateRequired,
            }
        }
    };
    // It may be killed before, and after, what it does has happened.
    let create = store.clone();
    let create = move |call: Arc<Invocation<ChangingCause>>| {
        let store = create.clone();
        async move {
            yield_now().await;
            store.change(|outside| {
                outside.size = Some(size(&call));
                outside.created += 1;
            });
            yield_now().await;
            Applied::AwaitingVerification
        }
    };
    let update = store.clone();
    let update = move |call: Arc<Invocation<ChangingCause>>| {
        let store = update.clone();
        async move {
            yield_now().await;
            store.change(|outside| {
                outside.size = Some(size(&call));
                outside.updated += 1;
            });
            yield_now().await;
        }
    };
    let delete = store.clone();
    let delete = move || {
        let store = delete.clone();
        async move {
            yield_now().await;
            store.change(|outside| {
                outside.size = None;
                outside.deleted += 1;
            });
            yield_now().await;
            Deleted::InProgress
        }
    };
    Registry::new()
        .add(on::verify::<Demo>().id("verify").run(verify))
        .add(on::create::<Demo>().id("create").run(create))
        .add(on::update::<Demo>().id("update").run(update))
        .add(on::delete::<Demo>().id("delete").run(delete))
}

async fn kill_after(steps: usize, running: Running) {
    for _ in 0..steps {
        yield_now().await;
    }
    running.kill().await;
}

/// Waits until the object is told to be there as it is asked for now.
async fn until_current(bench: &Bench) {
    bench
        .until("the thing to be there", || async {
            let object = bench.get("a").await.unwrap();
            let noted = |name: &str| {
                let key = format!("kopfrs.dev/{name}");
                object["metadata"]["annotations"][&key].clone()
            };
            let status = &object["status"];
            let phase = status["phase"].as_str().map(str::to_owned);
            let phase = phase.or_else(|| noted("phase").as_str().map(str::to_owned));
            let last = noted("last-applied-spec");
            let last: Value = last.as_str().map_or(Value::Null, |text| {
                serde_json::from_str(text).unwrap_or_default()
            });
            phase.as_deref() == Some("Succeeded") && last == object["spec"]
        })
        .await;
}

async fn check(status: Status, steps: usize) {
    let (bench, store) = (Bench::new(status).await, Store::default());
    let running = bench.start(handlers(&store)).await;
    bench.create("a", json!({"size": 1})).await;
    kill_after(steps, running).await;
    let running = bench.start(handlers(&store)).await;
    until_current(&bench).await;
    let told = format!("{status:?}, killed after {steps} steps");
    assert_eq!(
        (store.size(), store.touched()),
        (Some(1), [1, 0, 0]),
        "{told}"
    );

    bench.merge("a", json!({"spec": {"size": 2}})).await;
    kill_after(steps, running).await;
    let running = bench.start(handlers(&store)).await;
    bench
        .until("the update", || async { store.size() == Some(2) })
        .await;
    until_current(&bench).await;
    assert_eq!(store.touched(), [1, 1, 0], "{told}");

    bench.delete("a").await;
    kill_after(steps, running).await;
    let running = bench.start(handlers(&store)).await;
    bench.until_gone("a").await;
    assert_eq!((store.size(), store.touched()), (None, [1, 1, 1]), "{told}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_moment_it_is_made_changed_and_removed_once_with_memory_in_the_status() {
    for steps in 0..STEPS {
        check(Status::Open, steps).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_moment_it_is_made_changed_and_removed_once_with_memory_in_annotations() {
    for steps in 0..STEPS {
        check(Status::Strict, steps).await;
    }
}

#[tokio::test(start_paused = true)]
async fn kinds_without_a_status_endpoint_have_lifecycles_too() {
    for steps in [0, 5, 20, 40] {
        check(Status::Plain, steps).await;
    }
}

#[test]
fn handlers_that_do_not_go_together_are_refused() {
    let verify = || {
        on::verify::<Demo>()
            .id("verify")
            .run(async || Verified::Ready)
    };
    let check = |registry: Registry| registry.check_resource(|_| true);
    let resume = on::resume::<Demo>().id("resume").run(async || ());
    let refused = check(Registry::new().add(verify()).add(resume));
    assert!(matches!(refused, Err(RegistryError::Verified { .. })));
    let complete = || on::complete::<Demo>().id("complete").run(async || ());
    let refused = check(Registry::new().add(complete()));
    assert!(matches!(refused, Err(RegistryError::Unverified { .. })));
    let create = on::create::<Demo>()
        .id("create")
        .run(async || Applied::Succeeded);
    assert_eq!(
        check(Registry::new().add(verify()).add(complete()).add(create)),
        Ok(())
    );
}

#[on::create(Demo, id = "unverified")]
fn unverified() -> Applied {
    Applied::AwaitingVerification
}

#[test]
fn outcomes_that_nobody_understands_are_refused_at_the_start() {
    assert_eq!(unverified(), Applied::AwaitingVerification);
    let refused = Registry::module(module_path!()).check_resource(|_| true);
    assert!(matches!(refused, Err(RegistryError::Unverified { .. })));
}

#[tokio::test(start_paused = true)]
async fn secrets_of_a_spec_are_in_no_annotation_no_message_and_no_log() {
    let log = Log::start();
    let bench = Bench::new(Status::Open).await;
    let create = async || Err::<(), _>(PermanentError::new("login with hunter22 refused"));
    let registry = Registry::new()
        .add(
            on::verify::<Demo>()
                .id("verify")
                .run(async || Verified::UpdateRequired),
        )
        .add(on::update::<Demo>().id("update").run(create));
    let running = bench.start(registry).await;
    bench
        .create("a", json!({"size": 1, "password": "hunter22"}))
        .await;
    bench
        .until("the failure", || async {
            bench.get("a").await.unwrap()["status"]["phase"] == "Failed"
        })
        .await;
    running.stop().await;
    let mut object = bench.get("a").await.unwrap();
    object["spec"].take();
    assert!(!object.to_string().contains("hunter22"), "{object}");
    assert_eq!((log.count("hunter22"), log.count("*** refused")), (0, 2));
    assert!(
        object["status"]["message"]
            .as_str()
            .unwrap()
            .contains("***")
    );
}

/// An hour of which nobody notices anything.
async fn an_hour() {
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
}

pub(crate) async fn until_phase(bench: &Bench, phase: &str) {
    bench
        .until("the phase", || async {
            bench.get("a").await.unwrap()["status"]["phase"] == phase
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_there_once_is_left_alone_if_asked_for() {
    let (bench, store) = (Bench::new(Status::Open).await, Store::default());
    let looked = Store::default();
    let registry = || {
        let (seen, found) = (looked.clone(), store.clone());
        let verify = move |call: Arc<Invocation<ChangingCause>>| {
            seen.change(|outside| outside.updated += 1);
            let is_there = found.size() == Some(size(&call));
            async move {
                if is_there {
                    Verified::Ready
                } else {
                    Verified::Missing
                }
            }
        };
        let made = store.clone();
        let create = move |call: Arc<Invocation<ChangingCause>>| {
            made.change(|outside| outside.size = Some(size(&call)));
            async {}
        };
        let verify = on::verify::<Demo>().once(true).id("verify").run(verify);
        let create = on::create::<Demo>().id("create").run(create);
        Registry::new().add(verify).add(create)
    };
    let running = bench.start(registry()).await;
    bench.create("a", json!({"size": 1})).await;
    until_phase(&bench, "Succeeded").await;
    store.change(|outside| outside.size = None);
    an_hour().await;
    running.stop().await;
    let running = bench.start(registry()).await;
    an_hour().await;
    assert_eq!((store.size(), looked.touched()), (None, [0, 1, 0]));
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    bench
        .until("an edit to count", || async { store.size() == Some(2) })
        .await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_has_failed_is_left_until_the_object_changes_if_asked_for() {
    let (bench, tried) = (Bench::new(Status::Open).await, Store::default());
    let counted = tried.clone();
    let verify = move || {
        counted.change(|outside| outside.updated += 1);
        async { Err::<Verified, _>(HandlerError::from("it does not answer")) }
    };
    let verify = on::verify::<Demo>().park(true).id("verify").run(verify);
    let running = bench.start(Registry::new().add(verify)).await;
    bench.create("a", json!({"size": 1})).await;
    until_phase(&bench, "Failed").await;
    an_hour().await;
    assert_eq!(tried.touched(), [0, 1, 0]);
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    bench
        .until("an edit to count", || async {
            tried.touched() == [0, 2, 0]
        })
        .await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_deleted_is_left_behind_if_asked_for() {
    for is_orphaned in [true, false] {
        let bench = Bench::new(Status::Open).await;
        let verify = on::verify::<Demo>().orphan(is_orphaned).id("verify");
        let delete = async || Err::<Deleted, _>(PermanentError::new("it will not go"));
        let registry = Registry::new()
            .add(verify.run(async || Verified::Ready))
            .add(on::delete::<Demo>().id("delete").run(delete));
        let running = bench.start(registry).await;
        bench.create("a", json!({"size": 1})).await;
        until_phase(&bench, "Succeeded").await;
        bench.delete("a").await;
        an_hour().await;
        let phase = bench
            .get("a")
            .await
            .map(|object| object["status"]["phase"].clone());
        let expected = (!is_orphaned).then(|| json!("Terminating"));
        assert_eq!(phase, expected);
        running.stop().await;
    }
}
