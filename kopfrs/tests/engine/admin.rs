//! What an operator tells of its health and of its work, over HTTP and in real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kopfrs::operator::OperatorError;
use kopfrs::prelude::*;
use kopfrs_sandbox::fault::{Fault, On};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::bench::{Bench, Demo, Running, Status};

/// An address that nobody listens on.
fn free() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Asks for a page; gives the status and the text.
async fn ask(address: &str, line: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

async fn get(address: &str, path: &str) -> (u16, String) {
    ask(address, &format!("GET {path}")).await
}

/// Waits until a page is told with a status; gives its text.
async fn until(address: &str, path: &str, status: u16) -> String {
    let asked = async {
        loop {
            if TcpStream::connect(address).await.is_ok() {
                let (found, text) = get(address, path).await;
                if found == status {
                    return text;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let limit = Duration::from_secs(60);
    let asked = tokio::time::timeout(limit, asked).await;
    asked.unwrap_or_else(|_| panic!("{path} never answers with {status}"))
}

async fn start(bench: &Bench, registry: Registry, address: &str, settings: Settings) -> Running {
    let builder = Operator::builder().registry(registry).settings(settings);
    bench.start_built(builder.admin(address)).await
}

#[tokio::test]
async fn an_operator_that_works_is_alive_and_ready_and_tells_what_it_has_done() {
    let bench = Bench::new(Status::Open).await;
    let address = free();
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()));
    let operator = start(&bench, registry, &address, Settings::default()).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    assert_eq!(get(&address, "/livez").await, (200, "ok".into()));
    assert_eq!(get(&address, "/readyz").await, (200, "ok".into()));
    let (_, verbose) = get(&address, "/readyz?verbose").await;
    assert!(
        verbose.contains("[+]watch of demos.v1.example.com ok\n"),
        "{verbose}"
    );
    assert!(verbose.ends_with("readyz check passed\n"), "{verbose}");
    assert_eq!(get(&address, "/healthz").await, (200, "{}".into()));
    assert_eq!(get(&address, "/elsewhere").await.0, 404);
    assert_eq!(ask(&address, "POST /livez").await.0, 405);
    assert_eq!(ask(&address, "HEAD /livez").await, (200, String::new()));
    let (status, metrics) = get(&address, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        r#"kopfrs_handler_calls_total{handler="create",kind="create",result="success"} 1"#,
        r#"kopfrs_requests_total{verb="patch",resource="demos.example.com",subresource="status",result="success"} 1"#,
        r#"kopfrs_objects{resource="demos.v1.example.com"} 1"#,
        r#"workqueue_depth{name="demos.v1.example.com",controller="demos.v1.example.com"} 0"#,
        r#"kopfrs_watches{state="working"} 1"#,
        "kopfrs_paused 0",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} in:\n{metrics}");
    }
    for name in [
        "workqueue_adds_total",
        "workqueue_retries_total",
        "workqueue_queue_duration_seconds_bucket",
        "workqueue_work_duration_seconds_count",
        "workqueue_unfinished_work_seconds",
        "workqueue_longest_running_processor_seconds",
        "rest_client_requests_total",
        "rest_client_request_duration_seconds_bucket",
        "controller_runtime_reconcile_total",
        "controller_runtime_reconcile_errors_total",
        "controller_runtime_reconcile_time_seconds_bucket",
        "kopfrs_handler_duration_seconds_sum",
    ] {
        assert!(
            metrics.contains(&format!("\n{name}{{")),
            "{name} in:\n{metrics}"
        );
    }
    assert!(!metrics.contains("\"a\""), "no object is named:\n{metrics}");
    operator.stop().await;
    assert!(TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn a_watch_that_stays_dead_makes_the_operator_ill_until_it_works_again() {
    let bench = Bench::new(Status::Open).await;
    let address = free();
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()));
    let mut settings = Settings::default();
    settings.health.watch_budget = Duration::from_millis(300);
    settings.watching.backoff = Duration::from_millis(50);
    settings.watching.max_backoff = Duration::from_millis(50);
    let operator = start(&bench, registry, &address, settings).await;
    assert_eq!(get(&address, "/livez").await.0, 200);
    let faults = bench.sandbox.faults();
    let refused = faults.inject(Fault::status(403).on(On::verb("watch").resource("demos")));
    let watches = On::verb("watch").resource("demos");
    faults.strike(&watches, kopfrs_sandbox::fault::StreamFault::Break);
    let said = until(&address, "/livez", 503).await;
    assert!(
        said.contains("[-]watch of demos.v1.example.com failed: it has not worked for"),
        "{said}"
    );
    assert!(said.contains("[+]ping ok\n"), "{said}");
    // It has listed everything, and waits for better times.
    assert_eq!(get(&address, "/readyz").await.0, 200);
    refused.remove();
    until(&address, "/livez", 200).await;
    operator.stop().await;
}

#[tokio::test]
async fn an_operator_that_starts_is_alive_and_not_ready() {
    let bench = Bench::new(Status::Open).await;
    let address = free();
    let go = Arc::new(Notify::new());
    let started = go.clone();
    let wait = move || {
        let go = go.clone();
        async move { go.notified().await }
    };
    let registry = Registry::new()
        .add(on::startup().id("wait").run(wait))
        .add(on::create::<Demo>().id("create").run(bench.noting()));
    let builder = Operator::builder().registry(registry).admin(&address);
    let running = tokio::spawn(Running::start(builder.client(bench.client.clone())));
    until(&address, "/livez", 200).await;
    let said = until(&address, "/readyz", 503).await;
    assert!(
        said.contains("[-]startup failed: the operator has not started yet"),
        "{said}"
    );
    started.notify_one();
    until(&address, "/readyz", 200).await;
    running.await.unwrap().stop().await;
}

#[tokio::test]
async fn a_replica_that_stands_by_is_alive_and_ready() {
    let bench = Bench::new(Status::Open).await;
    let (first, second) = (free(), free());
    let mut settings = Settings::default();
    settings.leader_election.enabled = true;
    settings.leader_election.lease_name = Some("demo".into());
    let registry = || Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()));
    let leader = start(&bench, registry(), &first, settings.clone()).await;
    let builder = Operator::builder().registry(registry()).settings(settings);
    let builder = builder.admin(&second).client(bench.client.clone());
    let other = tokio::spawn(builder.build().unwrap().run());
    until(&second, "/readyz", 200).await;
    let (_, said) = get(&second, "/readyz?verbose").await;
    assert!(
        said.contains("[+]duty ok: standing by: the lease default/demo"),
        "{said}"
    );
    assert_eq!(get(&second, "/livez").await.0, 200);
    let status =
        |value| format!("leader_election_master_status{{name=\"default/demo\"}} {value}\n");
    assert!(get(&first, "/metrics").await.1.contains(&status(1)));
    assert!(get(&second, "/metrics").await.1.contains(&status(0)));
    leader.stop().await;
    other.abort();
}

#[tokio::test]
async fn probes_are_told_by_their_ids_and_not_asked_each_time() {
    let bench = Bench::new(Status::Open).await;
    let address = free();
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let count = move || {
        let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
        std::future::ready(number)
    };
    let registry = Registry::new()
        .add(on::probe().id("count").run(count))
        .add(on::probe().id("greeting").run_blocking(|| "hello"))
        .add(on::probe().id("nothing").run(async || {}));
    let builder = Operator::builder().registry(registry);
    let builder = builder.liveness(format!("http://{address}/how/are/you"));
    let operator = bench.start_built(builder).await;
    let expected = (
        200,
        r#"{"count":1,"greeting":"hello","nothing":null}"#.to_owned(),
    );
    for path in ["/how/are/you", "/healthz", "/healthz"] {
        assert_eq!(get(&address, path).await, expected, "{path}");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    operator.stop().await;
}

#[tokio::test]
async fn a_probe_that_fails_or_takes_too_long_is_told_as_failed() {
    let bench = Bench::new(Status::Open).await;
    let address = free();
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let go = Arc::new(Notify::new());
    let end = go.clone();
    let slow = move || {
        let go = go.clone();
        counted.fetch_add(1, Ordering::Relaxed);
        async move { go.notified().await }
    };
    let fail = async || Err::<(), _>(std::io::Error::other("no disk"));
    let ignored = async || Err::<(), _>(std::io::Error::other("who cares"));
    let registry = Registry::new()
        .add(on::probe().id("fails").run(fail))
        .add(
            on::probe()
                .id("ignored")
                .errors(kopfrs::handler::ErrorsMode::Ignored)
                .run(ignored),
        )
        .add(on::probe().id("slow").run(slow));
    let mut settings = Settings::default();
    settings.health.probe_timeout = Duration::from_millis(100);
    settings.health.probe_max_age = Duration::ZERO;
    let operator = start(&bench, registry, &address, settings).await;
    for _ in 0..2 {
        let (status, told) = get(&address, "/healthz").await;
        assert_eq!(status, 500);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["fails"], json!({"error": "no disk"}));
        assert_eq!(told["slow"], json!({"error": "not finished within 100ms"}));
        assert_eq!(told["ignored"], Value::Null);
    }
    assert_eq!(
        calls.load(Ordering::Relaxed),
        1,
        "it is not called a second time meanwhile"
    );
    end.notify_one();
    let told = async {
        loop {
            let (_, told) = get(&address, "/healthz").await;
            let told: Value = serde_json::from_str(&told).unwrap();
            if told["slow"] == Value::Null {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told)
        .await
        .unwrap();
    operator.stop().await;
}

#[tokio::test]
async fn an_address_that_is_taken_ends_the_operator_with_a_clear_error() {
    let bench = Bench::new(Status::Open).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()));
    let builder = Operator::builder()
        .registry(registry)
        .admin(address.to_string());
    let operator = builder.client(bench.client.clone()).build().unwrap();
    let error = operator.run().await.unwrap_err();
    assert!(matches!(error, OperatorError::Admin { .. }));
    let said = error.to_string();
    assert!(
        said.starts_with(&format!(
            "failed to listen on {address} for health and metrics: "
        )),
        "{said}"
    );
}

#[tokio::test]
async fn who_says_nothing_keeps_nobody_from_asking() {
    let bench = Bench::new(Status::Open).await;
    let address = free();
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()));
    let operator = start(&bench, registry, &address, Settings::default()).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let asked = tokio::time::timeout(Duration::from_secs(5), get(&address, "/livez"));
    assert_eq!(asked.await.expect("it answers at once").0, 200);
    // The first ones have given way.
    let mut nothing = [0; 1];
    assert_eq!(silent[0].read(&mut nothing).await.unwrap_or(0), 0);
    operator.stop().await;
}

#[tokio::test]
async fn sub_handlers_are_counted_together() {
    let bench = Bench::new(Status::Open).await;
    let address = free();
    let create = on::create::<Demo>().id("p").run(async |subs: Subhandlers| {
        for id in ["one", "two"] {
            subs.register(id).run(async |subs: Subhandlers| {
                subs.register("below").run(async || {});
            });
        }
    });
    let registry = Registry::new().add(create);
    let operator = start(&bench, registry, &address, Settings::default()).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    let (_, metrics) = get(&address, "/metrics").await;
    let line = r#"kopfrs_handler_calls_total{handler="p/*",kind="sub-handler",result="success"} 4"#;
    assert!(metrics.contains(line), "{metrics}");
    assert!(!metrics.contains("p/one"), "{metrics}");
    operator.stop().await;
}

#[tokio::test]
async fn a_replica_that_can_never_lead_is_not_ready() {
    let bench = Bench::new(Status::Open).await;
    let forbidden = Fault::status(403).on(On::writes().resource("leases"));
    bench.sandbox.faults().inject(forbidden);
    let address = free();
    let mut settings = Settings::default();
    settings.leader_election.enabled = true;
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()));
    let builder = Operator::builder().registry(registry).settings(settings);
    let operator = Running::launch(builder.admin(&address).client(bench.client.clone()), || {});
    let said = until(&address, "/readyz", 503).await;
    assert!(said.contains("[-]lease default/"), "{said}");
    operator.kill().await;
}
