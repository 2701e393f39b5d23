//! Daemons: when they begin, what they see, and how they end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::on::{Builder, Daemon};
use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Status};

mod ends;
mod kinds;
mod others;
mod pauses;
mod threads;

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
