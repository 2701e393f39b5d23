//! kube-rs: its runtime on top of this API server.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt, pin_mut};
use k8s_openapi::api::core::v1::{ConfigMap, Event, ObjectReference, Pod};
use kopfrs::testing::Cluster;
use kopfrs_tests::untested;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
    core::PartialObjectMeta,
    runtime::{
        Controller, WatchStreamExt,
        controller::Action,
        events::{Event as News, EventType, Recorder, Reporter},
        finalizer::{Event as Finalizer, finalizer},
        wait::{await_condition, conditions},
        watcher,
    },
};
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

const PATIENCE: Duration = Duration::from_secs(60);

async fn patiently<F: Future>(future: F) -> F::Output {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.expect("nothing happens")
}

fn map(name: &str, labels: &[(&str, &str)]) -> ConfigMap {
    let labels = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.collect()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

async fn create(maps: &Api<ConfigMap>, name: &str, labels: &[(&str, &str)]) -> ConfigMap {
    let made = maps
        .create(&PostParams::default(), &map(name, labels))
        .await;
    made.expect("created")
}

/// Waits until lists of any version have all objects that are on: kube streams lists of version 0, which a real
/// server answers from its cache, however old that is.
async fn until_cached(maps: &Api<ConfigMap>, count: usize) {
    let of_any_version = ListParams::default().labels("on=yes").match_any();
    let seen = async {
        while maps
            .list(&of_any_version)
            .await
            .expect("a list")
            .items
            .len()
            < count
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    patiently(seen).await;
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Failed(#[from] kube::Error);

/// Gives each parent a child of its own.
async fn reconcile(parent: Arc<ConfigMap>, client: Arc<Client>) -> Result<Action, Failed> {
    let namespace = parent.namespace().unwrap_or_default();
    let maps: Api<ConfigMap> = Api::namespaced(Client::clone(&client), &namespace);
    let mut child = map(
        &format!("{}-child", parent.name_any()),
        &[("role", "child")],
    );
    child.metadata.owner_references = parent.controller_owner_ref(&()).map(|owner| vec![owner]);
    let apply = PatchParams::apply("kube-test").force();
    let body = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": child.metadata, "data": parent.data,
    });
    maps.patch(&child.name_any(), &apply, &Patch::Apply(body))
        .await?;
    Ok(Action::await_change())
}

#[kopfrs::test(wire)]
async fn a_controller_keeps_what_it_owns(cluster: Cluster) {
    let client = cluster.client();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), cluster.namespace());
    let parents = watcher::Config::default().labels("role=parent");
    let children = watcher::Config::default().labels("role=child");
    let controller = Controller::new(maps.clone(), parents)
        .owns(maps.clone(), children)
        .run(
            reconcile,
            |_, _, _| Action::requeue(Duration::from_millis(100)),
            Arc::new(client),
        )
        .for_each(|_| std::future::ready(()));
    let task = tokio::spawn(controller);
    create(&maps, "a", &[("role", "parent")]).await;
    let has = |text: &'static str| {
        move |map: Option<&ConfigMap>| {
            let data = map.and_then(|map| map.data.as_ref());
            data.and_then(|data| data.get("k"))
                .is_some_and(|value| value == text)
        }
    };
    let is_there = |map: Option<&ConfigMap>| map.is_some();
    let first = patiently(await_condition(maps.clone(), "a-child", is_there)).await;
    let first = first.expect("a watch").expect("a child");
    let patch = Patch::Merge(json!({"data": {"k": "changed"}}));
    maps.patch("a", &PatchParams::default(), &patch)
        .await
        .expect("patched");
    let child = await_condition(maps.clone(), "a-child", has("changed"));
    patiently(child).await.expect("a watch");
    // What is deleted comes back.
    maps.delete("a-child", &DeleteParams::default())
        .await
        .expect("deleted");
    let uid = first.uid().expect("a uid");
    let is_another = move |map: Option<&ConfigMap>| {
        map.is_some_and(|map| map.uid().is_some_and(|other| other != uid))
    };
    let another = patiently(await_condition(maps.clone(), "a-child", is_another)).await;
    another.expect("a watch");
    task.abort();
    if !untested::runs(&cluster, "the garbage collector") {
        return;
    }
    // And goes with its owner.
    let child = maps
        .get("a-child")
        .await
        .expect("there")
        .uid()
        .expect("a uid");
    maps.delete("a", &DeleteParams::background())
        .await
        .expect("deleted");
    let gone = await_condition(maps, "a-child", conditions::is_deleted(&child));
    patiently(gone).await.expect("a watch");
}

#[kopfrs::test(wire)]
async fn a_streamed_list_is_what_there_is_and_then_what_happens(cluster: Cluster) {
    let client = cluster.client();
    let maps: Api<ConfigMap> = Api::namespaced(client, cluster.namespace());
    for name in ["a", "b", "c"] {
        create(&maps, name, &[("on", "yes")]).await;
    }
    until_cached(&maps, 3).await;
    let config = watcher::Config::default()
        .labels("on=yes")
        .streaming_lists();
    let events = watcher(maps.clone(), config);
    pin_mut!(events);
    let mut told = Vec::new();
    loop {
        let event = patiently(events.try_next()).await.expect("no error");
        match event.expect("no end") {
            watcher::Event::Init => told.clear(),
            watcher::Event::InitApply(map) => told.push(map.name_any()),
            watcher::Event::InitDone => break,
            other => panic!("{other:?}"),
        }
    }
    told.sort();
    assert_eq!(told, ["a", "b", "c"]);
    create(&maps, "d", &[("on", "yes")]).await;
    let event = patiently(events.try_next()).await.expect("no error");
    assert!(matches!(event, Some(watcher::Event::Apply(map)) if map.name_any() == "d"));
    maps.delete("a", &DeleteParams::default())
        .await
        .expect("deleted");
    let event = patiently(events.try_next()).await.expect("no error");
    assert!(matches!(event, Some(watcher::Event::Delete(map)) if map.name_any() == "a"));
}

#[kopfrs::test(wire)]
async fn a_watch_of_metadata_carries_nothing_else(cluster: Cluster) {
    let client = cluster.client();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), cluster.namespace());
    create(&maps, "a", &[("on", "yes")]).await;
    let config = watcher::Config::default().labels("on=yes");
    let metadata: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(client, cluster.namespace());
    let events = watcher(metadata, config).applied_objects();
    pin_mut!(events);
    let seen: Option<PartialObjectMeta<ConfigMap>> =
        patiently(events.try_next()).await.expect("no error");
    assert_eq!(seen.expect("an object").name_any(), "a");
    let patch = Patch::Merge(json!({"data": {"k": "v"}}));
    let patched = maps.patch("a", &PatchParams::default(), &patch).await;
    let version = patched.expect("patched").resource_version();
    let seen = patiently(events.try_next()).await.expect("no error");
    assert_eq!(seen.expect("an object").resource_version(), version);
}

#[kopfrs::test(wire)]
async fn the_finalizer_helper_holds_an_object_until_it_is_cleaned_up(cluster: Cluster) {
    const NAME: &str = "kube.kopfrs.test/hold";
    let client = cluster.client();
    let maps: Api<ConfigMap> = Api::namespaced(client, cluster.namespace());
    let made = create(&maps, "a", &[]).await;
    let (sender, mut calls) = unbounded_channel();
    let handle = async |map: ConfigMap| {
        let sender = sender.clone();
        let reconcile = |event: Finalizer<ConfigMap>| {
            let call = match event {
                Finalizer::Apply(_) => "apply",
                Finalizer::Cleanup(_) => "cleanup",
            };
            sender.send(call).expect("it is read");
            std::future::ready(Ok::<_, Failed>(Action::await_change()))
        };
        finalizer(&maps, NAME, Arc::new(map), reconcile)
            .await
            .expect("handled");
    };
    // The first call sets the finalizer only.
    handle(made).await;
    let held = maps.get("a").await.expect("there");
    assert_eq!(held.finalizers(), [NAME]);
    handle(held).await;
    maps.delete("a", &DeleteParams::default())
        .await
        .expect("accepted");
    handle(maps.get("a").await.expect("held")).await;
    drop(sender);
    assert_eq!(
        (calls.recv().await, calls.recv().await),
        (Some("apply"), Some("cleanup"))
    );
    assert!(maps.get_opt("a").await.expect("an answer").is_none());
}

#[kopfrs::test(wire)]
async fn the_recorder_counts_what_happens_again(cluster: Cluster) {
    let client = cluster.client();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), cluster.namespace());
    let map = create(&maps, "a", &[]).await;
    let recorder = Recorder::new(client.clone(), Reporter::from("kube-test"));
    let reference: ObjectReference = map.object_ref(&());
    for _ in 0..3 {
        let news = News {
            type_: EventType::Normal,
            reason: "Greeted".to_owned(),
            note: Some("hello there".to_owned()),
            action: "Greet".to_owned(),
            secondary: None,
        };
        recorder
            .publish(&news, &reference)
            .await
            .expect("published");
    }
    let events: Api<Event> = Api::namespaced(client, cluster.namespace());
    let select = kube::api::ListParams::default().fields("involvedObject.name=a");
    let found = events.list(&select).await.expect("a list").items;
    let [event] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(event.message.as_deref(), Some("hello there"));
    let series = event.series.as_ref().and_then(|series| series.count);
    assert_eq!(series, Some(3));
}

#[kopfrs::test(wire)]
async fn conditions_are_waited_for(cluster: Cluster) {
    let client = cluster.client();
    let pods: Api<Pod> = Api::namespaced(client, cluster.namespace());
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "c:1"}]},
    });
    let pod: Pod = serde_json::from_value(pod).expect("a Pod");
    let made = pods
        .create(&PostParams::default(), &pod)
        .await
        .expect("created");
    let status = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    let patch = Patch::Strategic(status);
    let running = await_condition(pods.clone(), "p", conditions::is_pod_running());
    let params = PatchParams::default();
    let patched = pods.patch_status("p", &params, &patch);
    let (running, patched) = patiently(Box::pin(async { tokio::join!(running, patched) })).await;
    patched.expect("patched");
    assert!(running.expect("a watch").is_some());
    let uid = made.uid().expect("a uid");
    let gone = await_condition(pods.clone(), "p", conditions::is_deleted(&uid));
    let now = DeleteParams::default().grace_period(0);
    let (gone, deleted) = patiently(Box::pin(async {
        tokio::join!(gone, pods.delete("p", &now))
    }))
    .await;
    deleted.expect("accepted");
    gone.expect("a watch");
}

#[kopfrs::test(wire)]
async fn an_entry_is_made_or_changed(cluster: Cluster) {
    let client = cluster.client();
    let maps: Api<ConfigMap> = Api::namespaced(client, cluster.namespace());
    for expected in ["1", "11"] {
        let mut entry = maps
            .entry("counter")
            .await
            .expect("an answer")
            .or_insert(ConfigMap::default);
        let data = entry.get_mut().data.get_or_insert_with(BTreeMap::new);
        data.entry("count".to_owned()).or_default().push('1');
        entry
            .commit(&PostParams::default())
            .await
            .expect("committed");
        let data = maps
            .get("counter")
            .await
            .expect("there")
            .data
            .expect("data");
        assert_eq!(data["count"], expected);
    }
}
