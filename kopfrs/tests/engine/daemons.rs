//! Daemons: when they begin, what they see, and how they end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kopfrs::on::{Builder, Daemon};
use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Status, progress};

/// What daemons have noted, with the second since the beginning.
#[derive(Clone)]
struct Notes {
    notes: Arc<Mutex<Vec<(u64, String)>>>,
    began: Instant,
}

impl Notes {
    fn new() -> Self {
        Self {
            notes: Arc::default(),
            began: Instant::now(),
        }
    }

    fn add(&self, note: impl Into<String>) {
        let second = self.began.elapsed().as_secs();
        self.notes.lock().unwrap().push((second, note.into()));
    }

    fn all(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap();
        notes.iter().map(|(_, note)| note.clone()).collect()
    }

    fn timed(&self) -> Vec<(u64, String)> {
        self.notes.lock().unwrap().clone()
    }

    /// A function that notes its beginning and its end, and ends when it is told to.
    fn obedient(
        &self,
    ) -> impl Fn(Stopped) -> futures::future::BoxFuture<'static, ()> + Clone + Send + Sync + 'static
    {
        let notes = self.clone();
        move |stopped: Stopped| {
            let notes = notes.clone();
            Box::pin(async move {
                notes.add("begins");
                stopped.until_set().await;
                notes.add(format!("ends: {}", stopped.reason()));
            })
        }
    }
}

fn daemon() -> Builder<Daemon> {
    on::daemon::<Demo>().id("daemon")
}

async fn until(bench: &Bench, notes: &Notes, count: usize) {
    bench
        .until("the notes", || async { notes.all().len() >= count })
        .await;
}

async fn finalizers(bench: &Bench, name: &str) -> usize {
    let object = bench.get(name).await.unwrap_or_default();
    let finalizers = object["metadata"]["finalizers"].as_array().map(Vec::len);
    finalizers.unwrap_or_default()
}

async fn until_finalizers(bench: &Bench, name: &str, count: usize) {
    bench
        .until("the finalizers", || async {
            finalizers(bench, name).await == count
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_lives_as_long_as_its_object_and_nothing_else_is_written() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let running = bench
        .start(Registry::new().add(daemon().run(notes.obedient())))
        .await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    assert_eq!(finalizers(&bench, "a").await, 1);
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    sleep(Duration::from_secs(60)).await;
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(notes.all(), ["begins", "ends: RESOURCE_DELETED"]);
    // The finalizer, the change of this test, and the release: no memory of what nobody handles.
    assert_eq!(bench.writes("a"), ["PATCH", "PATCH", "PATCH"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_arguments_are_of_the_beginning_and_the_live_view_is_of_now() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let seen = notes.clone();
    let registry = Registry::new().add(daemon().run(
        move |demo: Arc<Demo>, live: Live, stopped: Stopped| {
            let seen = seen.clone();
            async move {
                while !stopped.is_set() {
                    let spec: Value = live.spec().unwrap();
                    seen.add(format!("{} {}", demo.spec.size, spec["size"]));
                    tokio::select! {
                        () = live.changed() => {}
                        () = stopped.until_set() => {}
                    }
                }
            }
        },
    ));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    until(&bench, &notes, 2).await;
    assert_eq!(notes.all(), ["1 1", "1 2"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_by_itself_is_not_called_again_before_a_restart() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let registry = |notes: Notes| {
        Registry::new().add(daemon().run(move |_: Stopped| {
            notes.add("called");
            async { "done" }
        }))
    };
    let running = bench.start(registry(notes.clone())).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    until_finalizers(&bench, "a", 0).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(notes.all().len(), 1);
    assert_eq!(finalizers(&bench, "a").await, 0);
    let status = bench.get("a").await.unwrap()["status"].clone();
    assert_eq!(status, json!({"daemon": "done"}));
    running.stop().await;
    let running = bench.start(registry(notes.clone())).await;
    until(&bench, &notes, 2).await;
    until_finalizers(&bench, "a", 0).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn errors_are_retried_until_there_is_no_attempt_left() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let registry = Registry::new().add(daemon().retries(3).backoff(Duration::from_secs(5)).run(
        move |attempt: Attempt, patch: Patch| {
            noted.add(format!("attempt {}", attempt.retry));
            patch.status(json!({"attempt": attempt.retry}));
            async { Err::<(), _>("no") }
        },
    ));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 3).await;
    until_finalizers(&bench, "a", 0).await;
    let begin = notes.timed()[0].0;
    let times: Vec<_> = notes.timed().iter().map(|(s, _)| s - begin).collect();
    assert_eq!(times, [0, 5, 10]);
    assert_eq!(notes.all()[2], "attempt 2");
    let status = bench.get("a").await.unwrap()["status"].clone();
    assert_eq!(status, json!({"attempt": 2}));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_object_does_not_match_and_begins_again_when_it_does() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let slow = move |stopped: Stopped| {
        let notes = noted.clone();
        async move {
            notes.add("begins");
            stopped.until_set().await;
            sleep(Duration::from_secs(5)).await;
            notes.add(format!("ends: {}", stopped.reason()));
        }
    };
    let registry = Registry::new().add(daemon().label("run", "yes").run(slow));
    let running = bench.start(registry).await;
    let label = |value: Value| json!({"metadata": {"labels": {"run": value}}});
    bench.create("a", json!({"size": 1})).await;
    sleep(Duration::from_secs(10)).await;
    assert!(notes.all().is_empty() && finalizers(&bench, "a").await == 0);
    bench.merge("a", label(json!("yes"))).await;
    until(&bench, &notes, 1).await;
    // Before the first one has ended, it matches again: there are never two.
    bench.merge("a", label(Value::Null)).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(finalizers(&bench, "a").await, 1, "it is still running");
    bench.merge("a", label(json!("yes"))).await;
    until(&bench, &notes, 3).await;
    assert_eq!(notes.all(), ["begins", "ends: FILTERS_MISMATCH", "begins"]);
    bench.merge("a", label(Value::Null)).await;
    until(&bench, &notes, 4).await;
    until_finalizers(&bench, "a", 0).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_end_is_cancelled_after_its_backoff() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    struct Dropped(Notes, Stopped);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.add(format!("dropped: {}", self.1.reason()));
        }
    }
    let registry = Registry::new().add(
        daemon()
            .cancellation_backoff(Duration::from_secs(3))
            .cancellation_timeout(Duration::from_secs(1))
            .run(move |stopped: Stopped| {
                let notes = noted.clone();
                async move {
                    notes.add("begins");
                    let _dropped = Dropped(notes.clone(), stopped);
                    std::future::pending::<()>().await;
                }
            }),
    );
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(began.elapsed().as_secs(), 3);
    let end = "dropped: RESOURCE_DELETED|DAEMON_SIGNALLED|DAEMON_CANCELLED";
    assert_eq!(notes.all()[1], end);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_deletion_waits_and_the_end_is_noticed_at_once() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let registry = Registry::new().add(daemon().run(move |stopped: Stopped| {
        let notes = noted.clone();
        async move {
            notes.add("begins");
            stopped.until_set().await;
            sleep(Duration::from_secs(100)).await;
            notes.add("ends");
        }
    }));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(began.elapsed().as_secs(), 100);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn deletion_handlers_run_beside_it_and_once_even_across_a_restart() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let registry = |notes: &Notes, linger: u64| {
        let (noted, deleted) = (notes.clone(), notes.clone());
        Registry::new()
            .add(daemon().run(move |stopped: Stopped| {
                let notes = noted.clone();
                async move {
                    notes.add("begins");
                    stopped.until_set().await;
                    sleep(Duration::from_secs(linger)).await;
                    notes.add("ends");
                }
            }))
            .add(on::delete::<Demo>().id("delete").run(move |_: Body| {
                deleted.add("deleted");
                async {}
            }))
    };
    let running = bench.start(registry(&notes, 30)).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    bench.delete("a").await;
    until(&bench, &notes, 2).await;
    bench
        .until("the progress", || async {
            progress(&bench.get("a").await.unwrap()).is_some()
        })
        .await;
    running.kill().await;
    assert_eq!(notes.all(), ["begins", "deleted"]);
    // The object is going: no daemon begins, and the deletion has been handled.
    let running = bench.start(registry(&notes, 30)).await;
    bench.until_gone("a").await;
    assert_eq!(notes.all(), ["begins", "deleted"]);
    running.stop().await;
    let running = bench.start(registry(&notes, 5)).await;
    bench.create("b", json!({"size": 1})).await;
    until(&bench, &notes, 3).await;
    bench.delete("b").await;
    bench.until_gone("b").await;
    assert_eq!(notes.all()[2..], ["begins", "deleted", "ends"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_stops_tells_all_and_cancels_those_that_do_not_listen() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let deaf = notes.clone();
    let registry = Registry::new().add(daemon().run(notes.obedient())).add(
        on::daemon::<Demo>().id("deaf").run(move |_: Stopped| {
            deaf.add("begins");
            std::future::pending::<()>()
        }),
    );
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 2).await;
    let began = Instant::now();
    running.stop().await;
    assert_eq!(notes.all()[2], "ends: OPERATOR_EXITING");
    let budget = Settings::default().process.drain_budget.as_secs();
    assert_eq!(began.elapsed().as_secs(), budget);
    assert_eq!(finalizers(&bench, "a").await, 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_finalizer_it_ends_when_the_object_is_gone() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let registry = Registry::new().add(daemon().finalizer(false).run(notes.obedient()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    assert_eq!(bench.writes("a"), Vec::<String>::new());
    bench.delete("a").await;
    assert!(bench.get("a").await.is_none());
    until(&bench, &notes, 2).await;
    assert_eq!(notes.all()[1], "ends: RESOURCE_DELETED");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_its_finalizer_is_removed_by_force_and_when_its_kind_goes() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let registry = Registry::new().add(daemon().run(notes.obedient()));
    let running = bench.start(registry).await;
    for name in ["a", "b"] {
        bench.create(name, json!({"size": 1})).await;
    }
    until(&bench, &notes, 2).await;
    let patch = json!({"metadata": {"finalizers": null}});
    // Both at once, before the operator can have seen the first.
    tokio::join!(bench.merge("a", patch), bench.delete("a"));
    until(&bench, &notes, 3).await;
    let definitions: kube::api::Api<CustomResourceDefinition> =
        kube::api::Api::all(bench.client.clone());
    definitions
        .delete("demos.example.com", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    until(&bench, &notes, 4).await;
    assert_eq!(notes.all()[2..], ["ends: RESOURCE_DELETED"; 2]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_begins_after_its_delay_and_never_if_the_object_goes_before() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let asked = |cause: &SpawningCause| {
        Duration::from_secs(cause.body.spec()["size"].as_u64().unwrap_or_default())
    };
    let registry = Registry::new().add(daemon().initial_delay(asked).run(notes.obedient()));
    let running = bench.start(registry).await;
    let began = Instant::now();
    bench.create("a", json!({"size": 30})).await;
    bench.create("b", json!({"size": 60})).await;
    sleep(Duration::from_secs(45)).await;
    assert_eq!(notes.all(), ["begins"]);
    bench.delete("b").await;
    bench.until_gone("b").await;
    assert!(began.elapsed() < Duration::from_secs(50));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(notes.all(), ["begins"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_fit_is_tried_again_when_it_changes() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let registry = Registry::new().add(daemon().run(move |demo: Arc<Demo>, stopped: Stopped| {
        noted.add(demo.spec.size.to_string());
        async move { stopped.until_set().await }
    }));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": "big"})).await;
    sleep(Duration::from_secs(300)).await;
    assert_eq!(finalizers(&bench, "a").await, 1);
    bench.merge("a", json!({"spec": {"size": 5}})).await;
    until(&bench, &notes, 1).await;
    assert_eq!(notes.all(), ["5"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_api_refuses_is_dropped_and_what_it_cannot_take_now_is_sent_later() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let refused = move |request: &http::Request<kube::client::Body>| {
        let is_status = request.uri().path().ends_with("/status") && request.method() == "PATCH";
        let count = if is_status {
            counted.fetch_add(1, Ordering::SeqCst)
        } else {
            usize::MAX
        };
        match count {
            0 => Some(422),
            // As often as a request is repeated, and once more.
            1..=8 => Some(500),
            _ => None,
        }
    };
    let bench = Bench::new(Status::Open).await.refusing(refused);
    let registry = Registry::new().add(daemon().run(|attempt: Attempt, patch: Patch| {
        patch.status(json!({"phase": attempt.retry.to_string()}));
        async move {
            match attempt.retry {
                0 => Err(TemporaryError::after_secs("later", 1)),
                _ => Ok(()),
            }
        }
    }));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    until_finalizers(&bench, "a", 1).await;
    until_finalizers(&bench, "a", 0).await;
    assert_eq!(bench.get("a").await.unwrap()["status"]["phase"], "1");
    assert!(calls.load(Ordering::SeqCst) > 8);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_operator_ends_it_and_it_begins_again_afterwards() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let mut settings = Settings::default();
    settings.leader_election.enabled = true;
    settings.leader_election.lease_name = Some("demo".into());
    let registry = Registry::new().add(daemon().run(notes.obedient()));
    let running = bench.start_with(registry, settings).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    let gvk = kube::core::GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
    let resource = kube::core::ApiResource::from_gvk(&gvk);
    let leases: kube::Api<kube::api::DynamicObject> =
        kube::Api::namespaced_with(bench.client.clone(), "default", &resource);
    // Somebody else holds it, and does nothing more.
    let stolen = json!({"spec": {"holderIdentity": "thief"}});
    let params = kube::api::PatchParams::default();
    leases
        .patch("demo", &params, &kube::api::Patch::Merge(stolen))
        .await
        .unwrap();
    until(&bench, &notes, 2).await;
    assert_eq!(notes.all(), ["begins", "ends: OPERATOR_PAUSING"]);
    assert_eq!(finalizers(&bench, "a").await, 1);
    until(&bench, &notes, 3).await;
    let times: Vec<u64> = notes.timed().iter().map(|(second, _)| *second).collect();
    assert!(times[2] - times[1] >= 14, "{times:?}");
    assert_eq!(notes.all()[2], "begins");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_again_the_operator_does_not_wait_for_anybody() {
    let bench = Bench::new(Status::Open).await;
    bench.create("a", json!({"size": 1})).await;
    let patient = daemon()
        .cancellation_backoff(Duration::from_secs(3600))
        .run(|_: Stopped| std::future::pending::<()>());
    let operator = Operator::builder()
        .registry(Registry::new().add(patient))
        .client(bench.client.clone())
        .stop_when(sleep(Duration::from_secs(30)))
        .cancel_when(sleep(Duration::from_secs(60)));
    let began = Instant::now();
    operator.build().unwrap().run().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60);
}

/// A function that does not end before it is allowed to, on a thread of its own.
fn deaf(
    notes: &Notes,
) -> (
    Arc<(Mutex<bool>, std::sync::Condvar)>,
    impl Fn(Stopped) + Clone + Send + Sync + 'static,
) {
    let allowed = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
    let (seen, noted) = (allowed.clone(), notes.clone());
    let function = move |stopped: Stopped| {
        noted.add("begins");
        let (flag, changed) = &*seen;
        let waited = changed.wait_while(flag.lock().unwrap(), |is_allowed| !*is_allowed);
        drop(waited.unwrap());
        noted.add(format!("ends: {}", stopped.reason()));
    };
    (allowed, function)
}

#[tokio::test]
async fn a_thread_that_does_not_end_is_left_behind_but_there_are_never_two() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let (allowed, function) = deaf(&notes);
    let handler = daemon()
        .label("run", "yes")
        .cancellation_timeout(Duration::from_millis(50))
        .run_blocking(function);
    let running = bench.start(Registry::new().add(handler)).await;
    bench.create("a", json!({"size": 1})).await;
    let label = |value: Value| json!({"metadata": {"labels": {"run": value}}});
    bench.merge("a", label(json!("yes"))).await;
    until(&bench, &notes, 1).await;
    bench.merge("a", label(Value::Null)).await;
    // The object is free of it, though it is still running.
    until_finalizers(&bench, "a", 0).await;
    bench.merge("a", label(json!("yes"))).await;
    until_finalizers(&bench, "a", 1).await;
    assert_eq!(notes.all(), ["begins"]);
    *allowed.0.lock().unwrap() = true;
    allowed.1.notify_all();
    // The next one begins when it is over, and ends at once as it is allowed to.
    until(&bench, &notes, 4).await;
    let reasons = "FILTERS_MISMATCH|DAEMON_CANCELLED|DAEMON_ABANDONED";
    assert_eq!(
        notes.all(),
        ["begins", &format!("ends: {reasons}"), "begins", "ends: "]
    );
    running.stop().await;
}

#[tokio::test]
async fn functions_that_block_are_woken_at_once() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let noted = notes.clone();
    let handler = daemon().run_blocking(move |stopped: Stopped, live: Live| {
        noted.add("begins");
        while !stopped.wait(Duration::from_secs(3600)) {}
        noted.add(format!("ends with {}", live.body().name()));
        "done"
    });
    let running = bench.start(Registry::new().add(handler)).await;
    bench.create("a", json!({"size": 1})).await;
    until(&bench, &notes, 1).await;
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert_eq!(notes.all()[1], "ends with a");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn objects_that_are_verified_or_reconciled_wait_for_their_daemons_too() {
    let reconciled = |notes: &Notes| {
        let notes = notes.clone();
        Registry::new()
            .add(
                on::reconcile::<Demo>()
                    .id("reconcile")
                    .run(async |_: Body| {}),
            )
            .add(on::delete::<Demo>().id("delete").run(move |_: Body| {
                notes.add("deleted");
                async {}
            }))
    };
    let verified = |notes: &Notes| {
        let notes = notes.clone();
        Registry::new()
            .add(
                on::verify::<Demo>()
                    .id("verify")
                    .run(async |_: Body| kopfrs::lifecycle::Verified::Ready),
            )
            .add(on::delete::<Demo>().id("delete").run(move |_: Body| {
                notes.add("deleted");
                async { kopfrs::lifecycle::Deleted::Done }
            }))
    };
    for is_verified in [false, true] {
        let bench = Bench::new(Status::Open).await;
        let notes = Notes::new();
        let noted = notes.clone();
        let registry = if is_verified {
            verified(&notes)
        } else {
            reconciled(&notes)
        };
        let registry = registry.add(daemon().run(move |stopped: Stopped| {
            let notes = noted.clone();
            async move {
                notes.add("begins");
                stopped.until_set().await;
                sleep(Duration::from_secs(30)).await;
                notes.add("ends");
            }
        }));
        let running = bench.start(registry).await;
        bench.create("a", json!({"size": 1})).await;
        until(&bench, &notes, 1).await;
        sleep(Duration::from_secs(5)).await;
        bench.delete("a").await;
        bench.until_gone("a").await;
        assert_eq!(notes.all(), ["begins", "deleted", "ends"], "{is_verified}");
        running.stop().await;
    }
}
