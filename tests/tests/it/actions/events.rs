//! Kubernetes Events that handlers tell.

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::events::v1::Event;
use kopfrs::api::{Note, Recorder};
use kopfrs::prelude::*;
use kopfrs::testing::Cluster;

async fn told(cluster: &Cluster, reason: &str) -> Vec<Event> {
    let mut events = cluster.objects::<Event>().list().await;
    events.retain(|event| event.reason.as_deref() == Some(reason));
    events
}

#[kopfrs::test]
async fn what_is_told_again_is_a_series_of_one_event(cluster: Cluster) {
    let tell = async |body: Body, actions: Actions| {
        for _ in 0..5 {
            actions.event(Note::warning("Full", "there is no room").with_action("Shelve"));
        }
        let mut other = ConfigMap::default();
        other.metadata.name = Some(format!("{}-other", body.name()));
        actions.event_about(&other, Note::normal("Seen", "x".repeat(2000)));
    };
    let told_ones = on::create::<ConfigMap>().label("told", "yes");
    let handlers = Registry::new().add(told_ones.id("tell").run(tell));
    let operator = cluster.operator().handlers(handlers).start().await;
    let maps = cluster.objects::<ConfigMap>();
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {told: 'yes'}}}";
    let map = maps.create_from(map).await;
    operator.until_succeeded("tell").await;
    operator.stop().await;
    let events = told(&cluster, "Full").await;
    assert_eq!(events.len(), 1, "{events:?}");
    let event = &events[0];
    let series = event.series.as_ref().map(|series| series.count);
    assert_eq!((series, event.type_.as_deref()), (Some(5), Some("Warning")));
    let regarding = event.regarding.as_ref().expect("an object");
    assert_eq!(regarding.uid, map.metadata.uid);
    assert_eq!(event.action.as_deref(), Some("Shelve"));
    let events = told(&cluster, "Seen").await;
    let note = events[0].note.as_deref().unwrap_or_default();
    assert!(note.len() <= 1024 && note.contains('…'), "{note}");
    let regarding = events[0].regarding.as_ref().expect("an object");
    assert_eq!(regarding.name.as_deref(), Some("a-other"));
}

#[tokio::test]
async fn a_recorder_keeps_what_is_told() {
    let recorder = Recorder::new();
    let mut map = ConfigMap::default();
    map.metadata.name = Some("a".into());
    let note = Note::normal("Seen", "there it is");
    recorder.actions().event_about(&map, note.clone());
    assert_eq!(recorder.notes(), [("a".to_owned(), note)]);
    assert_eq!(recorder.lines(), [""; 0]);
}
