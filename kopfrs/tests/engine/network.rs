//! Networks that are not well: requests that are refused for a while, get lost on the way or back, or
//! hang. Then whole operators over TLS, by both versions of HTTP.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use k8s_openapi::jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use kopfrs::api::Credentials;
use kopfrs::cause::ObjectCause as _;
use kopfrs::prelude::*;
use kube::client::Body;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Running, Status};
use crate::relay::Relay;

/// What becomes of a request.
enum Fate {
    Pass,
    Answer(Response<Body>),
    /// Lost before it came.
    Lost,
    /// Done, but the answer is lost.
    LostOnTheWayBack,
    Hang,
}

/// Credentials for a server that some requests do not get to.
fn through(
    bench: &Bench,
    fate: impl Fn(&Request<Body>) -> Fate + Clone + Send + 'static,
) -> Credentials {
    let inner = bench.client.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, fate) = (inner.clone(), fate(&request));
        async move {
            let reset = || kube::Error::Service("connection reset by peer".into());
            match fate {
                Fate::Pass => inner.send(request).await,
                Fate::Answer(response) => Ok(response),
                Fate::Lost => Err(reset()),
                Fate::LostOnTheWayBack => {
                    inner.send(request).await?;
                    Err(reset())
                }
                Fate::Hang => std::future::pending().await,
            }
        }
    });
    Credentials::from_client(kube::Client::new(service, "default"))
}

async fn start(registry: Registry, credentials: Credentials) -> Running {
    start_with(registry, credentials, Settings::default()).await
}

async fn start_with(registry: Registry, credentials: Credentials, settings: Settings) -> Running {
    let builder = Operator::builder()
        .registry(registry)
        .settings(settings)
        .credentials(credentials);
    Running::start(builder).await
}

fn creating(bench: &Bench) -> Registry {
    Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()))
}

/// The first patches of each object, as many as are asked for, and when they came.
#[derive(Clone, Default)]
struct Patches(Arc<Mutex<HashMap<String, Vec<Instant>>>>);

impl Patches {
    /// Whether this is one of the first.
    fn is_among_first(&self, request: &Request<Body>, count: usize) -> bool {
        if request.method() != "PATCH" {
            return false;
        }
        let path = request.uri().path();
        let name = path.split('/').nth(7).unwrap_or_default().to_owned();
        let mut patches = self.0.lock().unwrap();
        let moments = patches.entry(name).or_default();
        moments.push(Instant::now());
        moments.len() <= count
    }

    fn seconds_between(&self, name: &str) -> Vec<u64> {
        let patches = self.0.lock().unwrap();
        let pairs = patches[name].windows(2);
        pairs.map(|pair| (pair[1] - pair[0]).as_secs()).collect()
    }
}

fn refusal(status: u16, header: Option<(&str, String)>, details: &Value) -> Fate {
    let body = json!({"kind": "Status", "message": "not now", "code": status, "details": details});
    let mut response = Response::builder().status(status);
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    let body = Body::from(body.to_string().into_bytes());
    Fate::Answer(response.body(body).unwrap())
}

#[tokio::test(start_paused = true)]
async fn servers_say_when_to_come_again() {
    let date = |seconds| {
        let due = Timestamp::now() + SignedDuration::from_secs(seconds);
        rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&due)
            .unwrap()
    };
    for (status, header, details, expected) in [
        (
            429,
            Some(("retry-after", "17".to_owned())),
            json!({}),
            17..=17,
        ),
        (503, Some(("retry-after", date(40))), json!({}), 35..=40),
        (429, None, json!({"retryAfterSeconds": 9}), 9..=9),
        (503, None, json!({}), 1..=1),
    ] {
        let bench = Bench::new(Status::Open).await;
        let patches = Patches::default();
        let seen = patches.clone();
        let credentials = through(&bench, move |request| {
            if seen.is_among_first(request, 1) {
                refusal(status, header.clone(), &details)
            } else {
                Fate::Pass
            }
        });
        let operator = start(creating(&bench), credentials).await;
        bench.create("a", json!({"size": 1})).await;
        bench.until_handled("a").await;
        let pauses = patches.seconds_between("a");
        assert!(
            expected.contains(&pauses[0]),
            "{pauses:?}, not {expected:?}"
        );
        operator.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_lost_is_sent_again_and_one_that_was_done_harms_nobody() {
    for is_done in [false, true] {
        let bench = Bench::new(Status::Open).await;
        let patches = Patches::default();
        let seen = patches.clone();
        let credentials = through(&bench, move |request| {
            match (seen.is_among_first(request, 2), is_done) {
                (false, _) => Fate::Pass,
                (true, false) => Fate::Lost,
                (true, true) => Fate::LostOnTheWayBack,
            }
        });
        let registry = creating(&bench).add(on::delete::<Demo>().id("delete").run(bench.noting()));
        let operator = start(registry, credentials).await;
        for n in 0..5 {
            bench
                .create(&format!("object-{n}"), json!({"size": 1}))
                .await;
        }
        for n in 0..5 {
            bench.until_handled(&format!("object-{n}")).await;
            bench.delete(&format!("object-{n}")).await;
        }
        for n in 0..5 {
            bench.until_gone(&format!("object-{n}")).await;
        }
        let mut calls: Vec<_> = bench
            .calls
            .all()
            .into_iter()
            .map(|call| format!("{} {} {}", call.handler, call.name, call.retry))
            .collect();
        calls.sort();
        let each = |handler| (0..5).map(move |n| format!("{handler} object-{n} 0"));
        let expected: Vec<_> = each("create").chain(each("delete")).collect();
        assert_eq!(calls, expected, "once each; done: {is_done}");
        operator.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_ends_with_its_time_and_others_go_on() {
    let bench = Bench::new(Status::Open).await;
    let seen = Patches::default();
    let credentials = through(&bench, move |request| {
        let is_hanging = request.uri().path().contains("/slow");
        if is_hanging && seen.is_among_first(request, 1) {
            Fate::Hang
        } else {
            Fate::Pass
        }
    });
    let operator = start(creating(&bench), credentials).await;
    let began = Instant::now();
    bench.create("slow", json!({"size": 1})).await;
    bench.create("quick", json!({"size": 1})).await;
    bench.until_handled("quick").await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    bench.until_handled("slow").await;
    let spent = began.elapsed().as_secs();
    assert!((30..35).contains(&spent), "{spent}");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_hang_or_pause_stop_no_watch() {
    for is_pausing in [false, true] {
        let bench = Bench::new(Status::Open).await;
        let seen = Patches::default();
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (opened, highest) = (open.clone(), most.clone());
        let credentials = through(&bench, move |request| {
            if !request.uri().path().contains("/object") || !seen.is_among_first(request, 1) {
                return Fate::Pass;
            }
            if is_pausing {
                return refusal(503, Some(("retry-after", "60".to_owned())), &json!({}));
            }
            let count = opened.fetch_add(1, Ordering::SeqCst) + 1;
            highest.fetch_max(count, Ordering::SeqCst);
            Fate::Hang
        });
        let events = Arc::new(Mutex::new(Vec::new()));
        let noted = events.clone();
        let watching = on::event::<Demo>().id("event").run(
            move |call: Arc<kopfrs::handler::Invocation<kopfrs::cause::WatchingCause>>| {
                noted
                    .lock()
                    .unwrap()
                    .push(call.cause.body().name().to_owned());
                std::future::ready(Ok::<_, kopfrs::handler::HandlerError>(()))
            },
        );
        let operator = start(creating(&bench).add(watching), credentials).await;
        for n in 0..40 {
            bench
                .create(&format!("object-{n}"), json!({"size": 1}))
                .await;
        }
        sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        bench.create("later", json!({"size": 1})).await;
        bench
            .until("the event", || async {
                events.lock().unwrap().contains(&"later".to_owned())
            })
            .await;
        assert!(began.elapsed() < Duration::from_secs(1));
        if is_pausing {
            bench.until_handled("later").await;
            assert!(
                began.elapsed() < Duration::from_secs(2),
                "a pause takes no place"
            );
        } else {
            assert_eq!(most.load(Ordering::SeqCst), 32);
        }
        for n in 0..40 {
            bench.until_handled(&format!("object-{n}")).await;
        }
        operator.stop().await;
    }
}

/// Settings for connections in real time.
fn settings(http2: bool) -> Settings {
    let mut settings = Settings::default();
    settings.networking.http2 = http2;
    settings.networking.error_backoffs = vec![Duration::from_millis(20); 20];
    settings.watching.backoff = Duration::from_millis(20);
    settings
}

#[tokio::test]
async fn operators_work_over_both_versions_of_http() {
    for http2 in [true, false] {
        let bench = Bench::new(Status::Open).await;
        let server = bench.sandbox.serve().await.unwrap();
        let relay = Relay::start(server.addr()).await;
        for n in 0..200 {
            bench
                .create(&format!("object-{n}"), json!({"size": 1}))
                .await;
        }
        let credentials = relay.credentials(server.config());
        let operator = start_with(creating(&bench), credentials, settings(http2)).await;
        for n in 0..200 {
            bench.until_handled(&format!("object-{n}")).await;
        }
        assert_eq!(bench.calls.all().len(), 200);
        let most = relay.most_open();
        if http2 {
            assert!(
                (3..=6).contains(&most),
                "one for requests, one for watches, four for what is not worth it: {most}"
            );
        } else {
            // Two watches: of the kind, and of the definitions.
            assert!((3..=32 + 2).contains(&most), "{most}");
        }
        operator.stop().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn connections_that_break_lose_nothing() {
    for http2 in [true, false] {
        let bench = Bench::new(Status::Open).await;
        let server = bench.sandbox.serve().await.unwrap();
        let relay = Relay::start(server.addr()).await;
        let credentials = relay.credentials(server.config());
        let operator = start_with(creating(&bench), credentials, settings(http2)).await;
        for n in 0..100 {
            bench
                .create(&format!("object-{n}"), json!({"size": 1}))
                .await;
            if n % 10 == 5 {
                relay.reset();
            }
        }
        for n in 0..100 {
            bench.until_handled(&format!("object-{n}")).await;
        }
        assert_eq!(bench.calls.all().len(), 100, "http2: {http2}");
        operator.stop().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_frozen_peer_is_noticed_and_left() {
    for http2 in [true, false] {
        let bench = Bench::new(Status::Open).await;
        let server = bench.sandbox.serve().await.unwrap();
        let relay = Relay::start(server.addr()).await;
        let mut settings = settings(http2);
        settings.networking.request_timeout = Duration::from_millis(500);
        settings.watching.inactivity_timeout = Duration::from_millis(500);
        let credentials = relay.credentials(server.config());
        let operator = start_with(creating(&bench), credentials, settings).await;
        bench.create("before", json!({"size": 1})).await;
        bench.until_handled("before").await;
        relay.freeze();
        bench.create("after", json!({"size": 1})).await;
        bench.until_handled("after").await;
        assert_eq!(bench.calls.all().len(), 2, "http2: {http2}");
        operator.stop().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn many_watches_leave_room_for_requests() {
    let bench = Bench::new(Status::Open).await;
    let server = bench.sandbox.serve().await.unwrap();
    let relay = Relay::start(server.addr()).await;
    let credentials = relay.credentials(server.config());
    let mut builder = Operator::builder()
        .registry(creating(&bench))
        .settings(settings(true))
        .credentials(credentials)
        .namespace("default");
    for n in 0..300 {
        builder = builder.namespace(format!("space-{n}"));
    }
    let operator = Running::start(builder).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    let most = relay.most_open();
    assert!((10..=16).contains(&most), "32 watches a connection: {most}");
    operator.stop().await;
    server.stop().await;
}
