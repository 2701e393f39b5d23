//! Timers: when they are called, and when they are not called any more.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::on::{Builder, Timer};
use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Status};

/// The calls: the tenth of a second since the beginning, and the number of the attempt.
#[derive(Clone)]
struct Ticks {
    ticks: Arc<Mutex<Vec<(u128, u32)>>>,
    began: Instant,
}

impl Ticks {
    fn new() -> Self {
        Self {
            ticks: Arc::default(),
            began: Instant::now(),
        }
    }

    fn all(&self) -> Vec<(u128, u32)> {
        self.ticks.lock().unwrap().clone()
    }

    /// The tenths of a second from the first call to each.
    fn since_first(&self) -> Vec<u128> {
        let all = self.all();
        all.iter().map(|(at, _)| at - all[0].0).collect()
    }

    fn retries(&self) -> Vec<u32> {
        self.all().iter().map(|(_, retry)| *retry).collect()
    }

    /// A function that notes its calls, takes so long, and ends as is said for the number of the call.
    fn noting(
        &self,
        millis: u64,
        end: impl Fn(usize) -> Result<()> + Clone + Send + Sync + 'static,
    ) -> impl Fn(Attempt) -> futures::future::BoxFuture<'static, Result<()>> + Send + Sync + 'static
    {
        let ticks = self.clone();
        move |attempt: Attempt| {
            let (ticks, end) = (ticks.clone(), end.clone());
            let at = ticks.began.elapsed().as_millis() / 100;
            let mut all = ticks.ticks.lock().unwrap();
            all.push((at, attempt.retry));
            let result = end(all.len() - 1);
            Box::pin(async move {
                sleep(Duration::from_millis(millis)).await;
                result
            })
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "others of its kind fail")]
fn fine(_: usize) -> Result<()> {
    Ok(())
}

fn timer() -> Builder<Timer> {
    on::timer::<Demo>().id("timer")
}

/// An operator with a timer, and an object for it.
async fn started(
    handler: kopfrs::handler::Handler<SpawningCause>,
) -> (Bench, crate::bench::Running) {
    let bench = Bench::new(Status::Open).await;
    let running = bench.start(Registry::new().add(handler)).await;
    bench.create("a", json!({"size": 1})).await;
    (bench, running)
}

async fn finalizers(bench: &Bench) -> usize {
    let object = bench.get("a").await.unwrap();
    let finalizers = object["metadata"]["finalizers"].as_array().map(Vec::len);
    finalizers.unwrap_or_default()
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_interval_counts_from_the_end_of_a_call_or_from_its_beginning_if_it_is_sharp() {
    for (is_sharp, millis, expected) in [
        (false, 300, vec![0, 23, 46, 69]),
        (true, 300, vec![0, 20, 40, 60, 80]),
        // Too long: it skips one.
        (true, 2500, vec![0, 40, 80]),
        (false, 2500, vec![0, 45]),
    ] {
        let ticks = Ticks::new();
        let timer = timer().interval(2 * SECOND).sharp(is_sharp);
        let (bench, running) = started(timer.run(ticks.noting(millis, fine))).await;
        sleep(Duration::from_millis(8500)).await;
        assert_eq!(ticks.since_first(), expected, "{is_sharp} {millis}");
        bench.delete("a").await;
        bench.until_gone("a").await;
        let count = ticks.all().len();
        sleep(60 * SECOND).await;
        assert_eq!(ticks.all().len(), count);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn changes_do_not_restart_it_and_attempts_are_counted_for_each_run() {
    let ticks = Ticks::new();
    let every_other = |call: usize| match call % 3 {
        2 => Ok(()),
        _ => Err(TemporaryError::after_secs("no", 1).into()),
    };
    let handler = timer()
        .interval(10 * SECOND)
        .run(ticks.noting(0, every_other));
    let (bench, running) = started(handler).await;
    sleep(5 * SECOND).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    sleep(10 * SECOND).await;
    assert_eq!(ticks.since_first(), [0, 10, 20, 120, 130, 140]);
    assert_eq!(ticks.retries(), [0, 1, 2, 0, 1, 2]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_ends_it_and_so_does_the_end_of_its_attempts() {
    for (handler, calls) in [
        (timer(), 2),
        (timer().errors(ErrorsMode::Permanent), 2),
        (timer().retries(3).backoff(SECOND), 4),
    ] {
        let ticks = Ticks::new();
        let is_arbitrary = calls == 4 || handler_is_permanent(&handler);
        let end = move |call: usize| match call {
            0 => Ok(()),
            _ if is_arbitrary => Err("no".into()),
            _ => Err(PermanentError::new("no").into()),
        };
        let (bench, running) = started(handler.interval(SECOND).run(ticks.noting(0, end))).await;
        sleep(60 * SECOND).await;
        assert_eq!(ticks.all().len(), calls);
        assert_eq!(finalizers(&bench).await, 0);
        bench.merge("a", json!({"spec": {"size": 2}})).await;
        sleep(60 * SECOND).await;
        assert_eq!(ticks.all().len(), calls);
        running.stop().await;
    }
}

fn handler_is_permanent(builder: &Builder<Timer>) -> bool {
    format!("{builder:?}").contains("errors: Some(Permanent)")
}

#[tokio::test(start_paused = true)]
async fn errors_that_are_ignored_are_successes() {
    let ticks = Ticks::new();
    let handler = timer().errors(ErrorsMode::Ignored).interval(SECOND);
    let (_bench, running) = started(handler.run(ticks.noting(0, |_| Err("no".into())))).await;
    sleep(Duration::from_millis(3500)).await;
    assert_eq!(ticks.since_first(), [0, 10, 20, 30]);
    assert_eq!(ticks.retries(), [0; 4]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_an_interval_it_is_called_once() {
    let ticks = Ticks::new();
    let (bench, running) = started(timer().run(ticks.noting(0, fine))).await;
    sleep(60 * SECOND).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    sleep(60 * SECOND).await;
    assert_eq!(ticks.all().len(), 1);
    assert_eq!(finalizers(&bench).await, 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn idling_is_reset_by_changes_of_the_object_and_not_by_its_status() {
    let ticks = Ticks::new();
    let handler = timer().interval(2 * SECOND).idle(5 * SECOND);
    let (bench, running) = started(handler.run(ticks.noting(0, fine))).await;
    let created = ticks.began.elapsed();
    sleep(3 * SECOND).await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    let status = kube::api::Patch::Merge(json!({"status": {"x": 1}}));
    sleep(3 * SECOND).await;
    assert!(ticks.all().is_empty());
    let api = bench.api();
    api.patch_status("a", &kube::api::PatchParams::default(), &status)
        .await
        .unwrap();
    sleep(Duration::from_millis(4500)).await;
    let expected = created.as_millis() / 100 + 80;
    let at: Vec<_> = ticks.all().iter().map(|(at, _)| *at).collect();
    assert_eq!(at.len(), 2, "{at:?}");
    assert!((expected..expected + 2).contains(&at[0]), "{at:?}");
    assert_eq!(at[1] - at[0], 20);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn own_changes_of_the_status_do_not_reset_idling_even_where_nothing_is_remembered() {
    let ticks = Ticks::new();
    let noting = ticks.noting(0, fine);
    let count = Arc::new(Mutex::new(0));
    let handler = timer().interval(SECOND).idle(3 * SECOND);
    let handler = handler.run(move |attempt: Attempt, patch: Patch| {
        let mut count = count.lock().unwrap();
        *count += 1;
        patch.status(json!({"count": *count}));
        noting(attempt)
    });
    let (bench, running) = started(handler).await;
    sleep(Duration::from_millis(7500)).await;
    assert_eq!(ticks.since_first(), [0, 10, 20, 30, 40]);
    assert_eq!(bench.get("a").await.unwrap()["status"]["count"], 5);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn idling_without_an_interval_it_is_called_once_after_each_change_and_ends_with_the_object() {
    let ticks = Ticks::new();
    let (bench, running) = started(timer().idle(5 * SECOND).run(ticks.noting(0, fine))).await;
    sleep(60 * SECOND).await;
    assert_eq!(ticks.all().len(), 1);
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    sleep(60 * SECOND).await;
    assert_eq!(ticks.since_first().len(), 2);
    assert_eq!(finalizers(&bench).await, 1);
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    assert!(began.elapsed() < SECOND);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_counts_though_an_own_write_has_come_after_it_and_is_known_before() {
    let ticks = Ticks::new();
    let noting = ticks.noting(0, fine);
    let timer = timer()
        .idle(5 * SECOND)
        .run(move |attempt: Attempt, patch: Patch| {
            patch.status(json!({"calls": attempt.started}));
            noting(attempt)
        });
    // It keeps the object's worker busy, while the timer goes its own way.
    let busy = on::event::<Demo>()
        .id("busy")
        .run(async |_: Body| sleep(2 * SECOND).await);
    let bench = Bench::new(Status::Open).await;
    let running = bench.start(Registry::new().add(timer).add(busy)).await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .until("the finalizer", || async { finalizers(&bench).await == 1 })
        .await;
    sleep(Duration::from_millis(4500)).await;
    assert!(ticks.all().is_empty());
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    sleep(SECOND).await;
    assert_eq!(ticks.all().len(), 1);
    sleep(60 * SECOND).await;
    assert_eq!(ticks.all().len(), 2, "{:?}", ticks.all());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_in_progress_delays_deletion_and_nothing_else_does() {
    let ticks = Ticks::new();
    let handler = timer().interval(SECOND).run(ticks.noting(30_000, fine));
    let (bench, running) = started(handler).await;
    sleep(10 * SECOND).await;
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    let seconds = began.elapsed().as_secs();
    assert!((19..=21).contains(&seconds), "{seconds}");
    assert_eq!(ticks.all().len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_object_has_already_is_not_sent_at_each_call() {
    let handler = timer().interval(SECOND).run(async |patch: Patch| {
        patch.status(json!({"tick": true}));
        "ticked"
    });
    let (bench, running) = started(handler).await;
    sleep(30 * SECOND).await;
    let status = bench.get("a").await.unwrap()["status"].clone();
    assert_eq!(status, json!({"tick": true, "timer": "ticked"}));
    assert_eq!(bench.writes("a"), ["PATCH", "PATCH/status"]);
    // What others change is put right at the next call.
    let status = kube::api::Patch::Merge(json!({"status": {"tick": false}}));
    let api = bench.api();
    api.patch_status("a", &kube::api::PatchParams::default(), &status)
        .await
        .unwrap();
    sleep(2 * SECOND).await;
    assert_eq!(bench.get("a").await.unwrap()["status"]["tick"], true);
    running.stop().await;
}
