//! After a pause nobody sees indices as they were before it, whatever has paused the operator.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::index::Indices;
use kopfrs::prelude::*;
use kube::api::{Api, DynamicObject, Patch as ApiPatch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use tokio::time::sleep;

use super::{by_role, create_map, delete_map, entry, merge_map};
use crate::bench::{Bench, Demo, Status};

const PEERINGS: &str = include_str!("../../../../examples/06-peering/peering.yaml");

/// How many config maps each step of a test is about.
const MAPS: usize = 9;

/// Who was handled, and what the index held then.
type Sight = (String, Vec<String>);

/// For whom handlers were called, and what they saw in the index.
#[derive(Clone, Default)]
struct Sights(Arc<Mutex<Vec<Sight>>>);

impl Sights {
    fn noting(
        &self,
        what: &'static str,
    ) -> impl Fn(Body, Indices) -> std::future::Ready<()> + Clone + use<> {
        let sights = self.clone();
        move |body: Body, indices: Indices| {
            let index = indices.get::<String, String>("by_role").unwrap();
            let all = index.iter().flat_map(|(role, values)| {
                let values = values.to_vec().into_iter();
                values.map(move |value| format!("{role}={value}"))
            });
            let mut all: Vec<_> = all.collect();
            all.sort();
            let said = format!("{what} {}", body.name());
            sights.0.lock().unwrap().push((said, all));
            std::future::ready(())
        }
    }

    fn of(&self, what: &str) -> Option<Vec<String>> {
        let all = self.0.lock().unwrap();
        let found = all.iter().find(|(said, _)| said == what);
        found.map(|(_, seen)| seen.clone())
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// Handlers that note what they see; to index an object takes its time.
fn handlers(sights: &Sights) -> Registry {
    Registry::new()
        .add(
            on::create::<Demo>()
                .id("create")
                .run(sights.noting("created")),
        )
        .add(
            on::update::<Demo>()
                .id("update")
                .run(sights.noting("updated")),
        )
        .add(
            on::event::<ConfigMap>()
                .id("event")
                .run(sights.noting("event of")),
        )
        .add(by_role().run(async |map: Body| {
            sleep(Duration::from_millis(20)).await;
            entry(&map)
        }))
}

/// One request at a time, and small pages: whoever is not waited for is late.
fn narrow(mut settings: Settings) -> Settings {
    settings.networking.requests_in_flight = 1;
    settings.watching.page_size = 2;
    settings
}

/// Config maps of all kinds: that stay, that will change their value or their role, and that will go.
async fn make(bench: &Bench) -> Vec<String> {
    for number in 0..MAPS {
        for what in ["stays", "changes", "moves", "goes"] {
            create_map(bench, &format!("{what}-{number}"), Some(what), "1").await;
        }
    }
    let mut expected = Vec::new();
    for what in ["changes", "goes", "moves", "stays"] {
        expected.extend(std::iter::repeat_n(format!("{what}=1"), MAPS));
    }
    expected
}

/// What happens to them while nobody looks.
async fn change(bench: &Bench) -> Vec<String> {
    for number in 0..MAPS {
        let value = json!({"data": {"value": "2"}});
        merge_map(bench, &format!("changes-{number}"), value).await;
        let role = json!({"metadata": {"labels": {"role": "moved"}}});
        merge_map(bench, &format!("moves-{number}"), role).await;
        delete_map(bench, &format!("goes-{number}")).await;
        create_map(bench, &format!("comes-{number}"), Some("comes"), "1").await;
    }
    let mut expected = Vec::new();
    for what in ["changes=2", "comes=1", "moved=1", "stays=1"] {
        expected.extend(std::iter::repeat_n(what.to_owned(), MAPS));
    }
    expected
}

/// Lets an operator work, keeps it from that while its indices get old, and looks what its handlers see then.
async fn paused(bench: &Bench, settings: Settings, hold: impl AsyncFn(bool)) {
    let sights = Sights::default();
    let expected = make(bench).await;
    bench.create("early", json!({"size": 1})).await;
    let running = bench.start_with(handlers(&sights), narrow(settings)).await;
    bench.until_handled("early").await;
    assert_eq!(sights.of("created early"), Some(expected));

    hold(true).await;
    sleep(Duration::from_secs(60)).await;
    sights.clear();
    let expected = change(bench).await;
    bench.merge("early", json!({"spec": {"size": 2}})).await;
    bench.create("late", json!({"size": 1})).await;
    sleep(Duration::from_secs(60)).await;
    assert!(sights.0.lock().unwrap().is_empty(), "it is not paused");

    hold(false).await;
    for what in [
        "created late",
        "updated early",
        "event of comes-0",
        "event of changes-8",
    ] {
        bench
            .until(what, || async { sights.of(what).is_some() })
            .await;
        assert_eq!(sights.of(what).as_ref(), Some(&expected), "{what}");
    }
    running.stop().await;
    let all = sights.0.lock().unwrap().clone();
    assert!(all.iter().all(|(_, seen)| *seen == expected), "{all:?}");
}

fn peerings(bench: &Bench) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("kopf.dev", "v1", "ClusterKopfPeering");
    Api::all_with(bench.client.clone(), &ApiResource::from_gvk(&gvk))
}

#[tokio::test(start_paused = true)]
async fn indices_are_complete_again_when_a_peer_does_not_go_first_any_more() {
    let bench = Bench::new(Status::Open).await;
    bench.sandbox.apply_yaml(PEERINGS).await.unwrap();
    let peering = json!({
        "apiVersion": "kopf.dev/v1", "kind": "ClusterKopfPeering", "metadata": {"name": "default"},
    });
    let peering = serde_json::from_value(peering).unwrap();
    peerings(&bench)
        .create(&PostParams::default(), &peering)
        .await
        .unwrap();
    let freeze = async |is_held: bool| {
        let entry =
            json!({"priority": 100, "lifetime": 3600, "lastseen": Timestamp::now().to_string()});
        let entry = if is_held { entry } else { Value::Null };
        let patch = ApiPatch::Merge(json!({"status": {"admin@host": entry}}));
        let api = peerings(&bench);
        api.patch("default", &PatchParams::default(), &patch)
            .await
            .unwrap();
    };
    paused(&bench, Settings::default(), freeze).await;
}

#[tokio::test(start_paused = true)]
async fn indices_are_complete_again_when_a_lost_lease_is_held_again() {
    let is_cut = Arc::new(AtomicBool::new(false));
    let refused = is_cut.clone();
    let bench = Bench::new(Status::Open).await.refusing(move |request| {
        let is_lease = request.uri().path().contains("/leases");
        (is_lease && refused.load(Ordering::Relaxed)).then_some(503)
    });
    let mut settings = Settings::default();
    settings.leader_election.enabled = true;
    settings.leader_election.lease_name = Some("demo".into());
    let cut = async |is_held: bool| is_cut.store(is_held, Ordering::Relaxed);
    paused(&bench, settings, cut).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_before_indices_are_complete_lets_nobody_through() {
    let is_cut = Arc::new(AtomicBool::new(false));
    let refused = is_cut.clone();
    let bench = Bench::new(Status::Open).await.refusing(move |request| {
        let is_lease = request.uri().path().contains("/leases");
        (is_lease && refused.load(Ordering::Relaxed)).then_some(503)
    });
    let sights = Sights::default();
    make(&bench).await;
    bench.create("a", json!({"size": 1})).await;
    let mut settings = Settings::default();
    settings.leader_election.enabled = true;
    settings.leader_election.lease_name = Some("demo".into());
    // A minute for all of them, one after another.
    let slow = Registry::new()
        .add(
            on::create::<Demo>()
                .id("create")
                .run(sights.noting("created")),
        )
        .add(by_role().run(async |map: Body| {
            if map.name().starts_with("goes") {
                sleep(Duration::from_secs(20)).await;
            }
            entry(&map)
        }));
    let running = bench.launch(slow, narrow(settings));
    sleep(Duration::from_secs(5)).await;
    is_cut.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs(60)).await;
    let expected = change(&bench).await;
    assert!(sights.0.lock().unwrap().is_empty(), "nobody is called");
    is_cut.store(false, Ordering::Relaxed);
    bench
        .until("the call", || async { sights.of("created a").is_some() })
        .await;
    assert_eq!(sights.of("created a"), Some(expected));
    running.stop().await;
}
