//! Daemons of an object that is not there: who may begin, and who is told to end.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::cause::{Feed, Stopped};
use crate::clock::Clock;
use crate::object::Body;
use crate::on;
use crate::settings::SettingsHandle;

#[derive(Debug)]
struct Object {
    uid: Arc<str>,
    feed: Feed,
    roused: AtomicUsize,
}

impl Subject for Object {
    fn uid(&self) -> &Arc<str> {
        &self.uid
    }

    fn resource(&self) -> Arc<Resource> {
        Arc::default()
    }

    fn live(&self) -> Live {
        self.feed.live()
    }

    fn memos(&self) -> Memos {
        Memos::default()
    }

    fn write(&self, _: Change, _: bool) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn attempted(&self, _: &str, _: &Record) {}

    fn rouse(&self) {
        self.roused.fetch_add(1, Ordering::SeqCst);
    }
}

struct Bench {
    daemons: Daemons,
    object: Arc<Object>,
    abandon: CancellationToken,
}

impl Bench {
    fn new() -> Self {
        let (clock, settings) = (Clock::start(), SettingsHandle::default());
        let abandon = CancellationToken::new();
        let environment = Arc::new(Environment::new(clock, settings));
        Self {
            daemons: Daemons::new(environment, abandon.clone()),
            object: Arc::new(Object {
                uid: "a".into(),
                feed: Feed::new(Body::new(json!({}))),
                roused: AtomicUsize::new(0),
            }),
            abandon,
        }
    }

    fn spawn(&self, handler: Handler<SpawningCause>) -> Option<Instance> {
        let (handler, object) = (Arc::new(handler), self.object.clone());
        self.daemons.spawn(handler, object, Span::none())
    }

    fn obedient(&self) -> Option<Instance> {
        let daemon = on::daemon_of(crate::resource::Selector::plural("demos").unwrap());
        let until_set = async |stopped: Stopped| stopped.until_set().await;
        self.spawn(daemon.id("obedient").run(until_set))
    }

    fn deaf(&self) -> Option<Instance> {
        let daemon = on::daemon_of(crate::resource::Selector::plural("demos").unwrap());
        self.spawn(daemon.id("deaf").run(std::future::pending::<()>))
    }
}

const BUDGET: Duration = Duration::from_secs(20);

#[tokio::test(start_paused = true)]
async fn a_pause_ends_all_and_lets_none_begin_until_it_is_over() {
    let bench = Bench::new();
    let instances = [bench.obedient().unwrap(), bench.deaf().unwrap()];
    // Who is told before it has begun does not begin.
    tokio::task::yield_now().await;
    let began = Instant::now();
    bench.daemons.pause(BUDGET, std::future::pending()).await;
    assert_eq!(began.elapsed().as_secs(), BUDGET.as_secs());
    assert!(instances.iter().all(|i| i.ended() == Some(Ended::Told)));
    assert!(bench.obedient().is_none());
    bench.daemons.resume();
    let instance = bench.obedient().unwrap();
    bench.daemons.pause(BUDGET, std::future::pending()).await;
    assert_eq!(instance.ended(), Some(Ended::Told));
    assert_eq!(began.elapsed().as_secs(), BUDGET.as_secs());
    assert_eq!(bench.object.roused.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_sudden_pause_waits_for_nobody() {
    let bench = Bench::new();
    let instance = bench.deaf().unwrap();
    tokio::task::yield_now().await;
    let began = Instant::now();
    bench.daemons.pause(BUDGET, std::future::ready(())).await;
    assert!(began.elapsed().is_zero());
    assert_eq!(instance.ended(), Some(Ended::Told));
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_again_in_an_operator_that_ends() {
    let bench = Bench::new();
    let instance = bench.obedient().unwrap();
    bench.daemons.pause(BUDGET, std::future::pending()).await;
    bench.daemons.finish(BUDGET, std::future::pending()).await;
    bench.daemons.resume();
    assert!(bench.obedient().is_none());
    assert_eq!(instance.ended(), Some(Ended::Told));
}

#[tokio::test(start_paused = true)]
async fn there_are_never_two_of_one_function_for_one_object() {
    let bench = Bench::new();
    let first = bench.deaf().unwrap();
    // Whoever looks after the object now holds the one that runs.
    let same = bench.deaf().unwrap();
    tokio::task::yield_now().await;
    first.stop(DaemonStoppingReason::FILTERS_MISMATCH);
    assert!(same.is_stopped() && same.holds_object());
    bench.daemons.pause(BUDGET, std::future::ready(())).await;
    assert_eq!(same.ended(), Some(Ended::Told));
    bench.daemons.resume();
    let next = bench.deaf().unwrap();
    assert!(!next.is_stopped() && next.ended().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_is_no_more_leaves_none() {
    let bench = Bench::new();
    let instance = bench.deaf().unwrap();
    bench.abandon.cancel();
    instance.released().await;
    assert!(instance.ended().is_some() && !instance.holds_object());
}
