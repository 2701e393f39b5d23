//! A thousand objects with a daemon and a timer each, in a process of their own: what they cost, and how they
//! end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use kopfrs::prelude::*;
use kopfrs_sandbox::Sandbox;
use kube::api::{Api, DeleteParams, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use tokio::sync::oneshot;

const OBJECTS: usize = 1000;

/// The sandbox is in the same process, and keeps a history. A thread for each would need more.
const KIB_PER_OBJECT: usize = 64;

/// Hundredths of a second of processor time in five seconds: nobody looks whether there is something to do.
const AT_REST: u64 = 20;

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: demos.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Demo, plural: demos, singular: demo}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

/// How many daemons and timers have begun, and how many daemons have ended, for what reason.
#[derive(Default)]
struct Counts {
    daemons: AtomicUsize,
    timers: AtomicUsize,
    deleted: AtomicUsize,
    exited: AtomicUsize,
}

fn read(count: &AtomicUsize) -> usize {
    count.load(Ordering::SeqCst)
}

fn handlers(counts: &Arc<Counts>) -> Registry {
    let (begun, called) = (counts.clone(), counts.clone());
    let daemon = move |stopped: Stopped| {
        let counts = begun.clone();
        async move {
            counts.daemons.fetch_add(1, Ordering::SeqCst);
            stopped.until_set().await;
            let is_deleted = stopped
                .reason()
                .contains(DaemonStoppingReason::RESOURCE_DELETED);
            let ended = if is_deleted {
                &counts.deleted
            } else {
                &counts.exited
            };
            ended.fetch_add(1, Ordering::SeqCst);
        }
    };
    let timer = move || {
        called.timers.fetch_add(1, Ordering::SeqCst);
        std::future::ready(())
    };
    let demos = || Selector::plural("demos").unwrap();
    Registry::new()
        .add(on::daemon_of(demos()).id("daemon").run(daemon))
        .add(
            on::timer_of(demos())
                .id("timer")
                .interval(Duration::from_secs(3600))
                .run(timer),
        )
}

/// A line of `/proc/self/status`; `None` where there is no such thing.
fn status(key: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The processor time that this process has taken so far, in hundredths of a second; `None` where that is not told.
fn processor_time() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the process may contain anything; what follows it does not.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).take(2);
    Some(times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?)
}

/// The processor time that is taken in that time, in hundredths of a second.
async fn taken_in(time: Duration) -> Option<u64> {
    let before = processor_time()?;
    tokio::time::sleep(time).await;
    Some(processor_time()? - before)
}

async fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(240), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

/// Does something to so many objects, some at once.
async fn each<F: Future<Output = ()>>(numbers: std::ops::Range<usize>, act: impl Fn(String) -> F) {
    let acts = numbers.map(|number| act(format!("demo-{number}")));
    stream::iter(acts)
        .buffer_unordered(16)
        .collect::<()>()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_daemons_and_timers_need_no_threads_and_end_in_time() {
    let sandbox = Sandbox::new();
    sandbox.apply_yaml(DEFINITION).await.unwrap();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Demo"));
    let api: Api<DynamicObject> = Api::namespaced_with(sandbox.client(), "default", &resource);
    each(0..OBJECTS, async |name| {
        let demo = DynamicObject::new(&name, &resource).data(json!({"spec": {"size": 1}}));
        api.create(&PostParams::default(), &demo).await.unwrap();
    })
    .await;
    let counts = Arc::new(Counts::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let (memory, threads) = (status("VmRSS:"), status("Threads:"));
    let operator = Operator::builder()
        .registry(handlers(&counts))
        .client(sandbox.client())
        .stop_when(async move { drop(stopped.await) })
        .cancel_when(std::future::pending());
    let running = tokio::spawn(operator.build().unwrap().run());
    let all = || read(&counts.daemons) == OBJECTS && read(&counts.timers) == OBJECTS;
    let took = until("all begin", all).await;
    let growth = |before: Option<usize>, key: &str| Some(status(key)?.saturating_sub(before?));
    let (memory, threads) = (growth(memory, "VmRSS:"), growth(threads, "Threads:"));
    println!("{OBJECTS} daemons and timers: {memory:?} KiB, {threads:?} threads, in {took:?}");
    assert!(threads.is_none_or(|threads| threads < 16), "{threads:?}");
    assert!(
        memory.is_none_or(|memory| memory < OBJECTS * KIB_PER_OBJECT),
        "{memory:?} KiB"
    );

    // What has begun is still being written down.
    let began = Instant::now();
    while taken_in(Duration::from_millis(500)).await > Some(5) {
        assert!(began.elapsed() < Duration::from_secs(240), "never at rest");
    }
    let taken = taken_in(Duration::from_secs(5)).await;
    println!("{taken:?} hundredths of a second of processor time in five seconds at rest");
    assert!(taken.is_none_or(|taken| taken <= AT_REST), "{taken:?}");

    let half = OBJECTS / 2;
    each(0..half, async |name| {
        api.delete(&name, &DeleteParams::default()).await.unwrap();
    })
    .await;
    let took = until("half of them end", || read(&counts.deleted) == half).await;
    let began = Instant::now();
    while api.get_opt("demo-0").await.unwrap().is_some() {
        assert!(began.elapsed() < Duration::from_secs(60));
        tokio::task::yield_now().await;
    }
    println!("{half} have ended with their objects, {took:?} after the last deletion");
    assert_eq!(read(&counts.exited), 0);

    let began = Instant::now();
    drop(stop);
    running.await.unwrap().unwrap();
    println!(
        "the others have ended with the operator in {:?}",
        began.elapsed()
    );
    assert_eq!(read(&counts.exited), OBJECTS - half);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}
