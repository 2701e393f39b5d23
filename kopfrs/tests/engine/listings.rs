//! Long lists: they come in pages or as a stream, and what happens meanwhile is not held up by them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use kopfrs::prelude::*;
use kopfrs::settings::InitialListing;
use kopfrs_sandbox::fault::{Fault, On, Rule, StreamFault};
use kube::client::Body;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::bench::{Bench, Demo, Status};
use crate::watches::refusal;

/// What may be changed about the way to the server.
#[derive(Clone)]
struct Road {
    /// Whether pages behind the first one come through.
    is_open: watch::Receiver<bool>,
    /// How many of them have been asked for.
    pages: Arc<AtomicUsize>,
    /// How many of them are refused as too old.
    expired: usize,
    /// How long each patch takes.
    latency: Duration,
}

impl Road {
    fn new() -> (watch::Sender<bool>, Self) {
        let (gate, is_open) = watch::channel(true);
        let road = Self {
            is_open,
            pages: Arc::default(),
            expired: 0,
            latency: Duration::ZERO,
        };
        (gate, road)
    }

    /// A server at the end of the road, with some objects.
    async fn bench(&self, objects: usize) -> Bench {
        let bench = Bench::new(Status::Open).await;
        for number in 0..objects {
            bench.create(&name(number), json!({"size": 1})).await;
        }
        let (inner, road) = (bench.client.clone(), self.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (inner, mut road) = (inner.clone(), road.clone());
            async move {
                let query = request.uri().query().unwrap_or_default();
                if query.contains("continue=") {
                    let number = road.pages.fetch_add(1, Ordering::SeqCst);
                    if number < road.expired {
                        return Ok(refusal(410));
                    }
                    road.is_open.wait_for(|is_open| *is_open).await.unwrap();
                }
                if request.method() == "PATCH" {
                    sleep(road.latency).await;
                }
                inner.send(request).await
            }
        });
        Bench {
            client: kube::Client::new(service, "default"),
            ..bench
        }
    }
}

fn name(number: usize) -> String {
    format!("demo-{number:04}")
}

fn creating(bench: &Bench) -> Registry {
    Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()))
}

fn updating(bench: &Bench) -> Registry {
    creating(bench).add(on::update::<Demo>().id("update").run(bench.noting()))
}

fn small_pages() -> Settings {
    let mut settings = Settings::default();
    settings.watching.page_size = 100;
    settings
}

fn streamed() -> Settings {
    let mut settings = Settings::default();
    settings.watching.initial_listing = InitialListing::Streamed;
    settings
}

/// The names of the objects that were handled, in order.
fn handled(bench: &Bench) -> Vec<String> {
    bench
        .calls
        .all()
        .into_iter()
        .map(|call| call.name)
        .collect()
}

/// Each object was handled once.
fn check_all_once(bench: &Bench, objects: usize) {
    let mut names = handled(bench);
    names.sort();
    let expected: Vec<_> = (0..objects).map(name).collect();
    assert_eq!(names, expected);
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_a_long_list_is_read_does_not_wait_for_its_end() {
    let (gate, road) = Road::new();
    gate.send_replace(false);
    let bench = road.bench(300).await;
    let running = bench.launch(updating(&bench), small_pages());
    bench.until_calls(100).await;

    bench.create("live", json!({"size": 1})).await;
    bench.delete(&name(250)).await;
    bench.merge(&name(251), json!({"spec": {"size": 2}})).await;
    bench.until_calls(102).await;
    let calls = bench.calls.all();
    assert_eq!(calls[100].name, "live");
    assert_eq!(
        (&*calls[101].handler, &*calls[101].name),
        ("create", &*name(251))
    );
    assert_eq!(calls[101].new, json!({"size": 2}));

    gate.send_replace(true);
    bench.until_calls(300).await;
    sleep(Duration::from_secs(60)).await;
    let mut names = handled(&bench);
    names.sort();
    let mut expected: Vec<_> = (0..300).filter(|n| *n != 250).map(name).collect();
    expected.push("live".to_owned());
    assert_eq!(
        names, expected,
        "each once, and what is gone is not handled"
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_object_overtakes_those_that_wait_since_the_start() {
    let (_gate, mut road) = Road::new();
    road.latency = Duration::from_millis(100);
    let bench = road.bench(1000).await;
    let running = bench.launch(creating(&bench), small_pages());
    bench.until_calls(10).await;
    let before = handled(&bench).len();
    bench.create("live", json!({"size": 1})).await;
    bench.until_calls(1001).await;
    let at = handled(&bench)
        .iter()
        .position(|name| name == "live")
        .unwrap();
    // Those whose requests were on their way already may come first.
    assert!(
        at < before + 200,
        "it was handled as number {at}, and came at {before}"
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_no_faster_than_its_objects_are_worked_off() {
    let (_gate, mut road) = Road::new();
    road.latency = Duration::from_secs(1);
    let bench = road.bench(1000).await;
    let running = bench.launch(creating(&bench), small_pages());
    bench.until_calls(100).await;
    let pages = road.pages.load(Ordering::SeqCst);
    let handled = handled(&bench).len();
    // A page that waits, one whose objects wait, and those that are at work.
    assert!(
        pages * 100 <= handled + 400,
        "{pages} pages behind the first for {handled} objects"
    );
    running.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_becomes_too_old_before_its_end_begins_anew() {
    let (_gate, mut road) = Road::new();
    road.expired = 2;
    let bench = road.bench(300).await;
    let running = bench.start_with(creating(&bench), small_pages()).await;
    bench.until_calls(300).await;
    sleep(Duration::from_secs(60)).await;
    check_all_once(&bench, 300);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn objects_may_come_as_a_stream() {
    let (_gate, road) = Road::new();
    let bench = road.bench(300).await;
    let running = bench.start_with(updating(&bench), streamed()).await;
    bench.until_calls(300).await;
    check_all_once(&bench, 300);
    running.stop().await;

    bench.calls.clear();
    bench.merge(&name(7), json!({"spec": {"size": 2}})).await;
    let running = bench.start_with(updating(&bench), streamed()).await;
    bench.until_calls(1).await;
    bench.create("later", json!({"size": 1})).await;
    bench.until_calls(2).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.calls.names(), ["update/0", "create/0"]);
    let requests = bench.sandbox.journal().requests().resource("demos");
    assert_eq!(requests.count("list"), 0, "nobody has asked for a list");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn where_streams_are_not_offered_objects_come_in_pages() {
    let bench = crate::watches::bench(|request| {
        let query = request.uri().query().unwrap_or_default();
        query.contains("sendInitialEvents").then(|| refusal(422))
    })
    .await;
    bench.create(&name(0), json!({"size": 1})).await;
    let running = bench.start_with(creating(&bench), streamed()).await;
    bench.until_calls(1).await;
    check_all_once(&bench, 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_before_the_end_of_the_list_loses_and_repeats_nothing() {
    for fault in [StreamFault::Break, StreamFault::Expired, StreamFault::End] {
        let (_gate, road) = Road::new();
        let bench = road.bench(100).await;
        let streams = On::verb("watch").resource("demos");
        let broken = Fault::stream(fault).after_events(50);
        let faults = bench.sandbox.faults();
        let rule = faults.inject(Rule::new(streams, broken).times(2));
        let running = bench.start_with(creating(&bench), streamed()).await;
        bench.until_calls(100).await;
        bench.create(&name(100), json!({"size": 1})).await;
        bench.until_calls(101).await;
        sleep(Duration::from_secs(60)).await;
        check_all_once(&bench, 101);
        assert_eq!(rule.hits(), 2);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_and_comes_again_while_it_is_listed_is_handled_as_what_it_is() {
    let (gate, road) = Road::new();
    gate.send_replace(false);
    let bench = road.bench(200).await;
    let gone = Registry::new()
        .add(on::create::<Demo>().id("create").run(bench.noting()))
        .add(on::delete::<Demo>().id("delete").run(bench.noting()));
    let running = bench.launch(gone, small_pages());
    bench.until_calls(100).await;
    bench.delete(&name(150)).await;
    bench.delete(&name(151)).await;
    bench.create(&name(151), json!({"size": 2})).await;
    bench.until_calls(101).await;
    // The watch breaks, and what it has told is told of the list all the same.
    let streams = On::any().resource("demos");
    bench.sandbox.faults().strike(&streams, StreamFault::Break);
    sleep(Duration::from_secs(10)).await;
    gate.send_replace(true);
    bench.until_calls(199).await;
    sleep(Duration::from_secs(60)).await;
    let mut names = handled(&bench);
    names.sort();
    let expected: Vec<_> = (0..200).filter(|n| *n != 150).map(name).collect();
    assert_eq!(names, expected);
    assert_eq!(bench.calls.all()[100].new, json!({"size": 2}));
    running.stop().await;
}
