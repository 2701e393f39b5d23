//! The state over restarts, orderly and sudden ones.

use std::{
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{ConfigMap, Secret, ServiceAccount},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DynamicObject, GroupVersionKind, PostParams, WatchEvent, WatchParams},
    discovery::ApiResource,
};
use serde_json::json;

use super::{
    place::Place,
    process::{Running, client, patiently, serve},
};

/// A change is written at once, or with those of the next moment.
const SOON: Duration = Duration::from_secs(1);

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}})).expect("a ConfigMap")
}

async fn create(maps: &Api<ConfigMap>, name: &str) -> ConfigMap {
    let made = maps.create(&PostParams::default(), &map(name)).await;
    made.expect("created")
}

fn version(map: &ConfigMap) -> u64 {
    let version = map.resource_version().expect("a version");
    version.parse().expect("a number")
}

/// What a watch from a version tells first: an event, or that it is too old.
async fn first(maps: &Api<ConfigMap>, from: u64) -> WatchEvent<ConfigMap> {
    let from = from.to_string();
    let events = maps.watch(&WatchParams::default(), &from).await;
    let mut events = events.expect("a watch").boxed();
    let event = patiently(events.next()).await.expect("an event");
    event.expect("no broken stream")
}

fn is_expired(event: &WatchEvent<ConfigMap>) -> bool {
    matches!(event, WatchEvent::Error(status) if status.code == 410)
}

const WIDGETS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec: {size: 1}
";

fn widgets(client: Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("example.com", "v1", "Widget");
    Api::default_namespaced_with(client, &ApiResource::from_gvk(&kind))
}

/// The token of a service account, as a kubeconfig would hold it.
async fn account_token(client: &Client) -> String {
    let accounts: Api<ServiceAccount> = Api::default_namespaced(client.clone());
    let account: ServiceAccount =
        serde_json::from_value(json!({"metadata": {"name": "robot"}})).expect("an account");
    let made = accounts.create(&PostParams::default(), &account).await;
    made.expect("created");
    let request = TokenRequest {
        spec: Some(TokenRequestSpec::default()),
        ..TokenRequest::default()
    };
    let answer = accounts
        .create_token_request("robot", &PostParams::default(), &request)
        .await;
    let status = answer.expect("a token").status.expect("a status");
    status.token.expect("a token")
}

#[tokio::test]
async fn everything_is_there_again_and_old_kubeconfigs_work() {
    let place = Place::new();
    let load = place.folder().join("widgets.yaml");
    std::fs::write(&load, WIDGETS).expect("written");
    let load = load.to_str().expect("text").to_owned();
    let mut arguments = place.arguments().to_vec();
    arguments.extend(["--load", &load]);
    let program = serve(&arguments).await;
    let old_client = program.client().await;
    let widget = widgets(old_client.clone()).get("w").await.expect("loaded");
    let token = account_token(&old_client).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(old_client.clone());
    let made = create(&maps, "a").await;
    let address = std::fs::read(&program.kubeconfig).expect("a kubeconfig");
    assert!(program.signal("INT").await.status.success());
    let mode = std::fs::metadata(&place.file).expect("there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600, "the state holds tokens");

    // A client from before, which nobody has told anything.
    let program = serve(&place.arguments()).await;
    assert_eq!(std::fs::read(&program.kubeconfig).expect("read"), address);
    let again = maps.get("a").await.expect("kept");
    assert_eq!((again.uid(), version(&again)), (made.uid(), version(&made)));
    let kept = widgets(old_client.clone())
        .get("w")
        .await
        .expect("served at once");
    assert_eq!(kept.resource_version(), widget.resource_version());
    assert_eq!(kept.data["spec"], json!({"size": 1}));
    assert!(version(&create(&maps, "b").await) > version(&made));

    let mut config = kube::Config::from_custom_kubeconfig(
        kube::config::Kubeconfig::read_from(&program.kubeconfig).expect("a kubeconfig"),
        &kube::config::KubeConfigOptions::default(),
    )
    .await
    .expect("a configuration");
    config.auth_info.token = Some(token.into());
    let robot = Client::try_from(config).expect("a client");
    assert!(
        Api::<ConfigMap>::default_namespaced(robot)
            .get("a")
            .await
            .is_ok()
    );
    assert!(program.signal("TERM").await.status.success());
}

#[tokio::test]
async fn watches_go_on_where_nothing_was_missed_and_start_over_where_something_was() {
    let place = Place::new();
    let program = serve(&place.arguments()).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(program.client().await);
    let a = create(&maps, "a").await;
    let b = create(&maps, "b").await;
    let secrets: Api<Secret> = Api::default_namespaced(program.client().await);
    let secret = serde_json::from_value(json!({"metadata": {"name": "s"}})).expect("a Secret");
    let made = secrets.create(&PostParams::default(), &secret).await;
    made.expect("another kind, later");
    assert!(program.signal("INT").await.status.success());

    let program = serve(&place.arguments()).await;
    let c = create(&maps, "c").await;
    match first(&maps, version(&b)).await {
        WatchEvent::Added(map) => assert_eq!(version(&map), version(&c)),
        other => panic!("{other:?}"),
    }
    assert!(is_expired(&first(&maps, version(&a)).await));
    assert!(program.signal("INT").await.status.success());
}

/// Waits until the state holds a text, and says how long that took.
async fn kept(place: &Place, text: &str) -> Duration {
    let begin = Instant::now();
    let wait = async {
        while !place.read().contains(text) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    patiently(wait).await;
    begin.elapsed()
}

#[tokio::test]
async fn a_sudden_end_loses_no_more_than_the_last_moment() {
    let place = Place::new();
    let program = serve(&place.arguments()).await;
    let kubeconfig = program.kubeconfig.clone();
    let maps: Api<ConfigMap> = Api::default_namespaced(program.client().await);
    for index in 0..50 {
        create(&maps, &format!("m{index}")).await;
    }
    let last = create(&maps, "last").await;
    let took = kept(&place, "\"name\":\"last\"").await;
    assert!(took < SOON, "it was written after {took:?}");
    let ended = program.signal("KILL").await;
    assert!(!ended.status.success());

    let program = serve(&place.arguments()).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&kubeconfig).await);
    assert_eq!(maps.get("last").await.expect("kept").uid(), last.uid());
    // Versions that may have been given out and lost are not given out again.
    assert!(is_expired(&first(&maps, version(&last)).await));
    assert!(version(&create(&maps, "next").await) > version(&last) + 1000);
    assert!(program.signal("INT").await.status.success());
}

#[tokio::test]
async fn a_kubeconfig_works_after_a_program_that_was_killed_at_once() {
    let place = Place::new();
    let program = serve(&place.arguments()).await;
    let old = program.client().await;
    program.signal("KILL").await;
    let program = serve(&place.arguments()).await;
    assert!(old.apiserver_version().await.is_ok());
    assert!(program.signal("INT").await.status.success());
}

#[tokio::test]
async fn a_program_killed_in_the_middle_of_writing_leaves_a_good_state() {
    let place = Place::new();
    for round in 0..5_u64 {
        let program = serve(&place.arguments()).await;
        let maps: Api<ConfigMap> = Api::default_namespaced(program.client().await);
        let present = maps.list(&kube::api::ListParams::default()).await;
        let count = present.expect("a list").items.len();
        write_until_killed(program, maps, round).await;
        let text = place.read();
        assert!(text.matches("\"resource\":\"configmaps\"").count() >= count);
    }
    let program = serve(&place.arguments()).await;
    assert!(program.signal("INT").await.status.success());
}

async fn write_until_killed(program: Running, maps: Api<ConfigMap>, round: u64) {
    let filler = "x".repeat(20_000);
    let writes = futures::stream::iter(0..).map(async |index: u32| {
        let mut map = map(&format!("r{round}-{index}"));
        map.data = Some([("filler".to_owned(), filler.clone())].into());
        maps.create(&PostParams::default(), &map).await
    });
    let writes = writes.buffered(8).try_for_each(async |_| Ok(()));
    // At another moment of the writing in each round.
    let pause = tokio::time::sleep(Duration::from_millis(300 + 70 * round));
    tokio::select! {
        ended = writes => panic!("{ended:?}"),
        () = pause => {}
    }
    program.signal("KILL").await;
}
