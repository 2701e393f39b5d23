//! Several replicas of one operator, of which one works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs_sandbox::fault::{Fault, On};
use kube::api::{Api, DeleteParams, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Running, Status};

/// What handlers were called for, by which replica.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn has(&self, what: &str) -> bool {
        self.all().iter().any(|said| said == what)
    }
}

fn settings(identity: &str) -> Settings {
    let mut settings = Settings::default();
    settings.leader_election.enabled = true;
    settings.leader_election.lease_name = Some("demo".into());
    settings.leader_election.identity = Some(identity.into());
    settings
}

/// The handlers of a replica: they tell who they are. What is called `slow…` takes a minute.
fn handlers(replica: &'static str, diary: &Diary) -> Registry {
    let told = |event: &'static str| {
        let diary = diary.clone();
        move |body: Body| {
            let diary = diary.clone();
            async move {
                diary.note(format!("{replica} {event} {}", body.name()));
                if body.name().starts_with("slow") {
                    sleep(Duration::from_secs(60)).await;
                    diary.note(format!("{replica} ended {}", body.name()));
                }
            }
        }
    };
    Registry::new()
        .add(on::create::<Demo>().id("create").run(told("created")))
        .add(on::update::<Demo>().id("update").run(told("updated")))
        .add(on::resume::<Demo>().id("resume").run(told("resumed")))
}

fn lease(bench: &Bench) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
    Api::namespaced_with(
        bench.client.clone(),
        "default",
        &ApiResource::from_gvk(&gvk),
    )
}

async fn holder(bench: &Bench) -> Option<String> {
    let lease = lease(bench).get_opt("demo").await.unwrap()?;
    Some(lease.data["spec"]["holderIdentity"].as_str()?.to_owned())
}

async fn until_said(bench: &Bench, diary: &Diary, what: &str) {
    bench.until(what, || async { diary.has(what) }).await;
}

/// A replica that works, and one that stands by.
async fn pair(bench: &Bench, diary: &Diary) -> (Running, Running) {
    let first = bench.start_with(handlers("a", diary), settings("a")).await;
    let second = bench.launch(handlers("b", diary), settings("b"));
    bench.create("early", json!({"size": 1})).await;
    until_said(bench, diary, "a created early").await;
    bench.until_handled("early").await;
    // It has had the time to look at the lease.
    sleep(Duration::from_secs(5)).await;
    (first, second)
}

#[tokio::test(start_paused = true)]
async fn another_replica_takes_over_when_one_is_killed() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let (first, second) = pair(&bench, &diary).await;
    assert_eq!(diary.all(), ["a created early"]);
    first.kill().await;
    let killed = Instant::now();
    bench.create("late", json!({"size": 1})).await;
    until_said(&bench, &diary, "b created late").await;
    let took = killed.elapsed();
    assert!(
        took > Duration::from_secs(12) && took < Duration::from_secs(17),
        "{took:?}"
    );
    bench.until_handled("late").await;
    second.stop().await;
    let mut said = diary.all();
    said.sort();
    assert_eq!(
        said,
        ["a created early", "b created late", "b resumed early"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_takeover_takes_no_longer_whenever_the_other_one_has_looked() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let (first, second) = pair(&bench, &diary).await;
    let leases = || {
        let requests = bench.sandbox.journal().requests();
        let leases = requests.matching(|request| request.resource() == "leases");
        let verbs = leases.iter().map(|request| request.verb().to_owned());
        verbs.collect::<Vec<_>>()
    };
    // The worst that can be: the other one has looked just before the last renewal.
    let since = Instant::now();
    loop {
        bench.sandbox.journal().clear();
        sleep(Duration::from_millis(60)).await;
        if leases() == ["get", "update"] {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(600));
    }
    first.kill().await;
    let killed = Instant::now();
    bench
        .until("the takeover", || async {
            holder(&bench).await.as_deref() == Some("b")
        })
        .await;
    let took = killed.elapsed();
    assert!(took < Duration::from_millis(16_500), "{took:?}");
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_given_back_is_taken_at_once() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let (first, second) = pair(&bench, &diary).await;
    first.stop().await;
    assert_eq!(holder(&bench).await.as_deref(), Some(""));
    let stopped = Instant::now();
    until_said(&bench, &diary, "b resumed early").await;
    let took = stopped.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(holder(&bench).await.as_deref(), Some("b"));
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_stands_by_watches_nothing_and_writes_nothing() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let (first, second) = pair(&bench, &diary).await;
    first.kill().await;
    bench.sandbox.journal().clear();
    sleep(Duration::from_secs(5)).await;
    let requests = bench.sandbox.journal().requests();
    let others = requests.matching(|request| request.resource() != "leases");
    assert!(others.is_empty(), "{others:?}");
    let reads = requests.matching(|request| request.method() == "GET");
    assert_eq!(reads.len(), requests.len(), "{requests:?}");
    second.kill().await;
}

/// A replica that can be kept from the lease, and nothing else.
async fn cut_off(diary: &Diary) -> (Bench, Running, Arc<AtomicBool>) {
    let bench = Bench::new(Status::Open).await;
    let is_cut = Arc::new(AtomicBool::new(false));
    let refused = is_cut.clone();
    let bench = bench.refusing(move |request| {
        let is_lease = request.uri().path().contains("/leases");
        (is_lease && refused.load(Ordering::Relaxed)).then_some(503)
    });
    let replica = bench.start_with(handlers("a", diary), settings("a")).await;
    (bench, replica, is_cut)
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_the_lease_pauses_and_goes_on_later() {
    let diary = Diary::default();
    let (bench, replica, is_cut) = cut_off(&diary).await;
    bench.create("early", json!({"size": 1})).await;
    bench.until_handled("early").await;
    is_cut.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs(9)).await;
    bench.create("soon", json!({"size": 1})).await;
    until_said(&bench, &diary, "a created soon").await;
    sleep(Duration::from_secs(3)).await;
    bench.create("late", json!({"size": 1})).await;
    bench.merge("early", json!({"spec": {"size": 2}})).await;
    bench.sandbox.journal().clear();
    sleep(Duration::from_secs(60)).await;
    let writes = bench.sandbox.journal().requests().writes();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(!diary.has("a created late"), "{:?}", diary.all());

    is_cut.store(false, Ordering::Relaxed);
    until_said(&bench, &diary, "a created late").await;
    until_said(&bench, &diary, "a updated early").await;
    bench.until_handled("late").await;
    bench.until_handled("early").await;
    // Who was found and handled before the pause is not resumed after it.
    let mut said = diary.all();
    said.sort();
    let expected = [
        "a created early",
        "a created late",
        "a created soon",
        "a updated early",
    ];
    assert_eq!(said, expected);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn handlers_are_cancelled_when_the_lease_is_lost_and_called_again_by_the_next_leader() {
    let diary = Diary::default();
    let (bench, replica, is_cut) = cut_off(&diary).await;
    let writes_of = |name: &'static str| bench.writes(name).len();
    is_cut.store(true, Ordering::Relaxed);
    bench.create("slow", json!({"size": 1})).await;
    until_said(&bench, &diary, "a created slow").await;
    sleep(Duration::from_secs(11)).await;
    let before = writes_of("slow");
    let other = Bench {
        sandbox: bench.sandbox.clone(),
        client: bench.sandbox.client(),
        calls: bench.calls.clone(),
    };
    let second = other.launch(handlers("b", &diary), settings("b"));
    until_said(&bench, &diary, "b ended slow").await;
    bench.until_handled("slow").await;
    assert!(!diary.has("a ended slow"), "{:?}", diary.all());
    assert_eq!(
        diary.all(),
        ["a created slow", "b created slow", "b ended slow"]
    );
    assert!(writes_of("slow") > before);
    // The first one can reach the lease again, which is not its own any more.
    is_cut.store(false, Ordering::Relaxed);
    bench.create("later", json!({"size": 1})).await;
    until_said(&bench, &diary, "b created later").await;
    sleep(Duration::from_secs(30)).await;
    assert!(!diary.has("a created later"));
    second.kill().await;
    bench.create("last", json!({"size": 1})).await;
    until_said(&bench, &diary, "a created last").await;
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_deleted_makes_no_second_leader() {
    let diary = Diary::default();
    let (bench, first, is_cut) = cut_off(&diary).await;
    let other = Bench {
        sandbox: bench.sandbox.clone(),
        client: bench.sandbox.client(),
        calls: bench.calls.clone(),
    };
    let second = other.launch(handlers("b", &diary), settings("b"));
    sleep(Duration::from_secs(5)).await;
    is_cut.store(true, Ordering::Relaxed);
    lease(&bench)
        .delete("demo", &DeleteParams::default())
        .await
        .unwrap_err();
    lease(&other)
        .delete("demo", &DeleteParams::default())
        .await
        .unwrap();
    sleep(Duration::from_secs(3)).await;
    bench.create("slow", json!({"size": 1})).await;
    until_said(&bench, &diary, "b ended slow").await;
    let said = diary.all();
    assert_eq!(said, ["a created slow", "b created slow", "b ended slow"]);
    second.stop().await;
    first.kill().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_renewal_that_is_lost_costs_nothing() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let replica = bench.start_with(handlers("a", &diary), settings("a")).await;
    bench.create("slow", json!({"size": 1})).await;
    until_said(&bench, &diary, "a created slow").await;
    let lost = Fault::status(504).after_effect();
    let lost = lost.on(On::verb("update").resource("leases"));
    bench.sandbox.faults().inject(lost.times(2));
    until_said(&bench, &diary, "a ended slow").await;
    assert_eq!(diary.all(), ["a created slow", "a ended slow"]);
    replica.stop().await;
    assert_eq!(holder(&bench).await.as_deref(), Some(""));
}

#[tokio::test(start_paused = true)]
async fn a_lease_under_our_own_name_is_not_taken_for_ours() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let foreign = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "demo"},
        "spec": {
            "holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 7,
            "acquireTime": "2020-01-01T00:00:00.000000Z", "renewTime": "2020-01-01T00:00:00.000000Z",
        },
    });
    let foreign: DynamicObject = serde_json::from_value(foreign).unwrap();
    lease(&bench)
        .create(&PostParams::default(), &foreign)
        .await
        .unwrap();
    let begun = Instant::now();
    let replica = bench.start_with(handlers("a", &diary), settings("a")).await;
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(15) && took < Duration::from_secs(17),
        "{took:?}"
    );
    let lease = lease(&bench).get("demo").await.unwrap();
    assert_eq!(lease.data["spec"]["leaseTransitions"], 8);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_do_not_keep_the_lease_from_being_renewed() {
    let bench = Bench::new(Status::Open).await;
    let diary = Diary::default();
    let mut crowded = settings("a");
    crowded.networking.requests_in_flight = 1;
    let replica = bench.start_with(handlers("a", &diary), crowded).await;
    let stall = Fault::delay(Duration::from_secs(25)).on(On::verb("patch").resource("demos"));
    bench.sandbox.faults().inject(stall);
    for name in ["one", "two", "three"] {
        bench.create(name, json!({"size": 1})).await;
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(holder(&bench).await.as_deref(), Some("a"));
    assert!(diary.has("a created one"));
    replica.kill().await;
}

#[tokio::test(start_paused = true)]
async fn times_that_cannot_work_end_the_operator_at_its_start() {
    let bench = Bench::new(Status::Open).await;
    let mut wrong = settings("a");
    wrong.leader_election.renew_deadline = Duration::from_secs(15);
    let operator = Operator::builder()
        .registry(handlers("a", &Diary::default()))
        .client(bench.client.clone())
        .settings(wrong);
    let error = operator
        .build()
        .unwrap()
        .run()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("leader_election.renew_deadline (15s) is to be shorter"),
        "{error}"
    );
}
