//! Daemons that are left behind when the operator is paused.

use std::sync::Arc;
use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs_sandbox::fault::{Fault, On};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{Notes, daemon, until};
use crate::bench::{Bench, Demo, Running, Status};

/// An operator that is elected, with handlers; and an object.
async fn elected(bench: &Bench, registry: Registry) -> Running {
    let mut settings = Settings::default();
    settings.leader_election.enabled = true;
    settings.leader_election.lease_name = Some("demo".into());
    let running = bench.start_with(registry, settings).await;
    bench.create("a", json!({"size": 1})).await;
    running
}

/// Somebody else takes the lease, and does nothing more.
async fn steal(bench: &Bench) {
    let gvk = kube::core::GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
    let resource = kube::core::ApiResource::from_gvk(&gvk);
    let leases: kube::Api<kube::api::DynamicObject> =
        kube::Api::namespaced_with(bench.client.clone(), "default", &resource);
    let stolen = json!({"spec": {"holderIdentity": "thief"}});
    let params = kube::api::PatchParams::default();
    let patch = kube::api::Patch::Merge(stolen);
    leases.patch("demo", &params, &patch).await.unwrap();
}

fn lists(bench: &Bench) -> usize {
    let requests = bench.sandbox.journal().requests();
    requests.resource("demos").verb("list").iter().count()
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_no_handler_sees_what_was_before_it() {
    let bench = Bench::new(Status::Open).await;
    let notes = Notes::new();
    let leave = Arc::new(Notify::new());
    // It goes on beside its function, as a thread does.
    let (left, noted) = (leave.clone(), notes.clone());
    let deaf = move |call: Arc<Invocation<SpawningCause>>| {
        let (left, notes) = (left.clone(), noted.clone());
        notes.add("begins");
        tokio::spawn(async move {
            left.notified().await;
            notes.add("leaves");
            drop(call);
        });
        std::future::pending::<()>()
    };
    let noted = notes.clone();
    let create = move |body: Body| {
        noted.add(format!("size {}", body.spec()["size"]));
        std::future::ready(Err::<(), _>(TemporaryError::after_secs("later", 5)))
    };
    let registry = Registry::new()
        .add(
            daemon()
                .cancellation_timeout(Duration::from_secs(1))
                .run(deaf),
        )
        .add(on::create::<Demo>().id("create").run(create));
    let running = elected(&bench, registry).await;
    bench
        .until("both", || async {
            let all = notes.all();
            all.contains(&"begins".into()) && all.contains(&"size 1".into())
        })
        .await;
    steal(&bench).await;
    sleep(Duration::from_secs(10)).await;
    bench.merge("a", json!({"spec": {"size": 9}})).await;
    let before = (lists(&bench), notes.all().len());
    let slow = On::verb("list").resource("demos");
    bench
        .sandbox
        .faults()
        .inject(Fault::delay(Duration::from_secs(20)).on(slow));
    bench
        .until("the next term", || async { lists(&bench) > before.0 })
        .await;
    assert_eq!(notes.all().len(), before.1, "{:?}", notes.timed());
    leave.notify_one();
    until(&bench, &notes, before.1 + 3).await;
    let after = notes.all().split_off(before.1);
    assert_eq!(after[0], "leaves");
    assert!(!after.contains(&"size 1".into()), "{:?}", notes.timed());
    assert!(after.contains(&"size 9".into()), "{:?}", notes.timed());
    running.stop().await;
}
