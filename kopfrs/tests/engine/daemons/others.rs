//! Daemons beside what else happens: objects that do not fit, refused patches, pauses, verification.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use super::{Notes, daemon, finalizers, until, until_finalizers};
use crate::bench::{Bench, Demo, Status};

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

/// The same kind, with a status that is to have a phase.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "example.com",
    version = "v1",
    kind = "Demo",
    root = "Phased",
    namespaced,
    status = "Phase"
)]
struct PhasedSpec {
    size: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
struct Phase {
    phase: String,
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_status_does_not_fit_is_tried_again_when_its_status_changes() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let (noted, ticked) = (notes.clone(), notes.clone());
    let phase = |demo: &Phased| demo.status.as_ref().map(|status| status.phase.clone());
    let begins = Duration::from_secs(5);
    let registry = Registry::new()
        .add(
            daemon()
                .initial_delay(begins)
                .run(move |demo: Arc<Phased>, stopped: Stopped| {
                    noted.add(format!("daemon {:?}", phase(&demo)));
                    async move { stopped.until_set().await }
                }),
        )
        .add(
            on::timer::<Demo>()
                .id("timer")
                .initial_delay(begins)
                .interval(Duration::from_secs(3600))
                .run(move |demo: Arc<Phased>| {
                    ticked.add(format!("timer {:?}", phase(&demo)));
                    async {}
                }),
        );
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    let status = async |status: Value| {
        let patch = kube::api::Patch::Merge(json!({"status": status}));
        let params = kube::api::PatchParams::default();
        bench
            .api()
            .patch_status("a", &params, &patch)
            .await
            .unwrap();
    };
    status(json!({"phase": 5})).await;
    sleep(Duration::from_secs(300)).await;
    assert!(notes.all().is_empty(), "{:?}", notes.all());
    status(json!({"phase": "Ready"})).await;
    sleep(Duration::from_secs(1)).await;
    let mut all = notes.all();
    all.sort();
    assert_eq!(all, [r#"daemon Some("Ready")"#, r#"timer Some("Ready")"#]);
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
