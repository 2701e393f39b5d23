use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kopfrs::handler::Relation;
use kopfrs::object::ObjectKey;
use kube::api::{Api, DeleteParams, Patch as ApiPatch, PatchParams, PostParams};

use super::*;
use crate::bench::Status;

fn maps(bench: &Bench) -> Api<ConfigMap> {
    Api::namespaced(bench.client.clone(), "default")
}

fn secrets(bench: &Bench) -> Api<Secret> {
    Api::namespaced(bench.client.clone(), "default")
}

async fn create_secret(bench: &Bench, name: &str, labels: Value) {
    let secret = json!({"metadata": {"name": name, "labels": labels}});
    let secret: Secret = serde_json::from_value(secret).unwrap();
    let parameters = PostParams::default();
    secrets(bench).create(&parameters, &secret).await.unwrap();
}

async fn merge<K>(api: &Api<K>, name: &str, patch: Value)
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let patch = ApiPatch::Merge(patch);
    let parameters = PatchParams::default();
    api.patch(name, &parameters, &patch).await.unwrap();
}

/// Makes a config map of the object's name hold the size that the object asks for.
fn keeping(
    times: &Times,
) -> impl Fn(Arc<Invocation<ChangingCause>>) -> futures_boxed::Boxed + Clone + Send + Sync + 'static
{
    times.giving(|call: Arc<Invocation<ChangingCause>>| {
        Box::pin(async move {
            let client = call.environment.client().cloned().unwrap();
            let actions = Actions::new(client).with_owner(call.cause.body.clone());
            let body = &call.cause.body;
            let mut map = ConfigMap::default();
            map.metadata.name = Some(body.name().to_owned());
            actions.adopt(&mut map)?;
            let size = body.spec()["size"].to_string();
            actions
                .create_or_update(&mut map, |map| {
                    map.data = Some([("size".to_owned(), size.clone())].into());
                })
                .await?;
            Ok(Action::Done)
        }) as futures_boxed::Boxed
    })
}

mod futures_boxed {
    use std::pin::Pin;

    use kopfrs::prelude::{Action, Result};

    pub(super) type Boxed = Pin<Box<dyn Future<Output = Result<Action>> + Send>>;
}

async fn holds(bench: &Bench, name: &str, size: &str) -> bool {
    let map = maps(bench).get_opt(name).await.unwrap();
    map.and_then(|map| map.data)
        .is_some_and(|data| data["size"] == size)
}

#[tokio::test(start_paused = true)]
async fn what_an_object_owns_is_put_back_and_made_again() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let registry = only(handler().owns::<ConfigMap>().run(keeping(&times)));
    let running = bench.start(registry.clone()).await;
    bench.create("a", json!({"size": 1})).await;
    bench.create("b", json!({"size": 1})).await;
    bench.until("the map", || holds(&bench, "a", "1")).await;
    a_while().await;
    let of_b = times.count("b");
    merge(&maps(&bench), "a", json!({"data": {"size": "99"}})).await;
    bench.until("the size", || holds(&bench, "a", "1")).await;
    maps(&bench)
        .delete("a", &DeleteParams::default())
        .await
        .unwrap();
    bench
        .until("the map again", || holds(&bench, "a", "1"))
        .await;
    a_while().await;
    assert_eq!(
        times.count("b"),
        of_b,
        "nothing has happened to what b owns"
    );
    running.stop().await;
    // While nobody looks, one is changed, and one is deleted.
    merge(&maps(&bench), "a", json!({"data": {"size": "98"}})).await;
    maps(&bench)
        .delete("b", &DeleteParams::default())
        .await
        .unwrap();
    let (a, b) = (times.count("a"), times.count("b"));
    let running = bench.start(registry).await;
    bench
        .until("both", || async {
            holds(&bench, "a", "1").await && holds(&bench, "b", "1").await
        })
        .await;
    a_while().await;
    // The second call is for what the first one has written.
    assert_eq!((times.count("a"), times.count("b")), (a + 2, b + 2));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn at_a_start_objects_are_reconciled_once_whatever_they_own() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let registry = only(handler().owns::<ConfigMap>().run(keeping(&times)));
    let running = bench.start(registry.clone()).await;
    for i in 0..5 {
        bench.create(&format!("a{i}"), json!({"size": 1})).await;
    }
    bench.until("the maps", || holds(&bench, "a4", "1")).await;
    a_while().await;
    running.stop().await;
    let before: Vec<usize> = (0..5).map(|i| times.count(&format!("a{i}"))).collect();
    let running = bench.start(registry).await;
    a_while().await;
    for (i, before) in before.iter().enumerate() {
        assert_eq!(times.count(&format!("a{i}")), before + 1, "a{i}");
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_its_controller_is_woken_by_an_owned_object() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let registry = only(handler().owns::<ConfigMap>().run(times.done()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    settled(&bench, &times, "a", 1).await;
    let uid = bench.get("a").await.unwrap()["metadata"]["uid"].clone();
    let reference = |kind: &str, api_version: &str, controller: bool| json!([{"apiVersion": api_version, "kind": kind, "name": "a", "uid": uid, "controller": controller}]);
    let rows = [
        (json!([]), 0),
        (reference("Demo", "example.com/v1", false), 0),
        (reference("Other", "example.com/v1", true), 0),
        (reference("Demo", "other.example.com/v1", true), 0),
        // Another version of the same kind.
        (reference("Demo", "example.com/v1beta1", true), 1),
        (reference("Demo", "example.com/v1", true), 1),
    ];
    let mut calls = 1;
    for (i, (references, woken)) in rows.into_iter().enumerate() {
        let name = format!("m{i}");
        let map = json!({"metadata": {"name": name, "ownerReferences": references}});
        let map: ConfigMap = serde_json::from_value(map).unwrap();
        maps(&bench)
            .create(&PostParams::default(), &map)
            .await
            .unwrap();
        calls += woken;
        settled(&bench, &times, "a", calls).await;
    }
    // Who loses an object hears of it, too.
    merge(
        &maps(&bench),
        "m5",
        json!({"metadata": {"ownerReferences": null}}),
    )
    .await;
    settled(&bench, &times, "a", calls + 1).await;
    merge(&maps(&bench), "m5", json!({"data": {"x": "y"}})).await;
    settled(&bench, &times, "a", calls + 1).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_watched_object_wakes_those_that_a_function_names() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let readers = |secret: Arc<Secret>| {
        let label = secret.labels().get("for").cloned();
        label.map(|name| ObjectKey::new(secret.metadata.namespace.as_deref(), &name))
    };
    let registry = only(handler().watches(readers).run(times.done()));
    let running = bench.start(registry).await;
    for name in ["a", "b"] {
        bench.create(name, json!({"size": 1})).await;
        settled(&bench, &times, name, 1).await;
    }
    create_secret(&bench, "s", json!({"for": "a"})).await;
    settled(&bench, &times, "a", 2).await;
    create_secret(&bench, "t", json!({"for": "nobody"})).await;
    create_secret(&bench, "u", json!({})).await;
    merge(
        &secrets(&bench),
        "s",
        json!({"metadata": {"labels": {"for": "b"}}}),
    )
    .await;
    settled(&bench, &times, "a", 3).await;
    settled(&bench, &times, "b", 2).await;
    secrets(&bench)
        .delete("s", &DeleteParams::default())
        .await
        .unwrap();
    settled(&bench, &times, "b", 3).await;
    assert_eq!(times.count("a"), 3);
    // An object of the same name is another one.
    bench.delete("b").await;
    bench.until_gone("b").await;
    bench.create("b", json!({"size": 1})).await;
    settled(&bench, &times, "b", 4).await;
    create_secret(&bench, "s", json!({"for": "b"})).await;
    settled(&bench, &times, "b", 5).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_is_woken_by_what_it_names_itself() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let names = |demo: Arc<Value>| {
        let secrets = demo["spec"]["secrets"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let names = secrets.iter().filter_map(Value::as_str).map(str::to_owned);
        names.collect::<Vec<_>>()
    };
    let registry = only(handler().uses::<Secret, _, _>(names).run(times.done()));
    let running = bench.start(registry).await;
    bench.create("a", json!({"secrets": ["s", "t"]})).await;
    bench.create("b", json!({"secrets": ["t"]})).await;
    settled(&bench, &times, "a", 1).await;
    settled(&bench, &times, "b", 1).await;
    create_secret(&bench, "t", json!({})).await;
    settled(&bench, &times, "a", 2).await;
    settled(&bench, &times, "b", 2).await;
    bench.merge("b", json!({"spec": {"secrets": ["s"]}})).await;
    settled(&bench, &times, "b", 3).await;
    merge(
        &secrets(&bench),
        "t",
        json!({"metadata": {"labels": {"x": "y"}}}),
    )
    .await;
    settled(&bench, &times, "a", 3).await;
    settled(&bench, &times, "b", 3).await;
    secrets(&bench)
        .delete("t", &DeleteParams::default())
        .await
        .unwrap();
    settled(&bench, &times, "a", 4).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn wake_ups_during_a_call_lead_to_one_more() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let apply = times.giving(|_| async {
        sleep(Duration::from_secs(20)).await;
        Ok(Action::Done)
    });
    let everything = |_: Arc<Secret>| ["a", "never"];
    let registry = only(handler().watches(everything).run(apply));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .until("the call", || async { times.count("a") == 1 })
        .await;
    for i in 0..5 {
        create_secret(&bench, &format!("s{i}"), json!({})).await;
        sleep(Duration::from_secs(1)).await;
    }
    settled(&bench, &times, "a", 2).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_related_kind_is_watched_once_and_one_that_is_missing_is_waited_for() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let missing = Selector::full("later.example.com", "v1", "things").unwrap();
    let map = |thing: Arc<Value>| thing["spec"]["wakes"].as_str().map(str::to_owned);
    let maps = on::reconcile::<ConfigMap>()
        .resync(Duration::ZERO)
        .id("maps");
    let registry = only(
        handler()
            .owns::<Secret>()
            .related(Relation::watched(missing, map))
            .run(times.done()),
    );
    let registry = registry.add(maps.owns::<Secret>().run(async || {}));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    settled(&bench, &times, "a", 1).await;
    let watches = bench.sandbox.journal().requests();
    let watches = watches.matching(|request| {
        request.path().ends_with("/secrets") && request.query().contains("watch=true")
    });
    assert_eq!(watches.iter().count(), 1);
    bench.sandbox.apply_yaml(THINGS).await.unwrap();
    let thing = "{apiVersion: later.example.com/v1, kind: Thing, metadata: {name: t, namespace: default}, spec: {wakes: a}}";
    let is_applied = || async { bench.sandbox.apply_yaml(thing).await.is_ok() };
    bench.until("the thing", is_applied).await;
    bench
        .until("the call", || async { times.count("a") >= 2 })
        .await;
    running.stop().await;
}

const THINGS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.later.example.com}
spec:
  group: later.example.com
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

#[tokio::test(start_paused = true)]
async fn a_kind_that_has_handlers_wakes_others_all_the_same() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let secrets_seen = Times::new();
    let secrets_handler = on::create::<Secret>().id("secret").run({
        let seen = secrets_seen.clone();
        move |call: Arc<Invocation<ChangingCause>>| {
            seen.note(&call);
            std::future::ready(())
        }
    });
    let registry = only(handler().watches(|_: Arc<Secret>| ["a"]).run(times.done()));
    let running = bench.start(registry.add(secrets_handler)).await;
    bench.create("a", json!({"size": 1})).await;
    settled(&bench, &times, "a", 1).await;
    create_secret(&bench, "s", json!({})).await;
    bench
        .until("both", || async {
            times.count("a") >= 2 && secrets_seen.count("s") == 1
        })
        .await;
    running.stop().await;
}
