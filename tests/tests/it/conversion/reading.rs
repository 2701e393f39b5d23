use futures::{StreamExt, TryStreamExt};
use kube::api::{ApiResource, DynamicObject, ListParams, WatchEvent, WatchParams};
use kube::core::GroupVersionKind;

use super::*;

fn api(cluster: &Cluster, meters: &Meters, version: &str) -> kube::Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(&meters.group, version, "Meter");
    let resource = ApiResource::from_gvk_with_plural(&kind, "meters");
    kube::Api::namespaced_with(cluster.client(), cluster.namespace(), &resource)
}

#[kopfrs::test]
async fn objects_are_read_in_every_version(cluster: Cluster) {
    let meters = Meters::define(&cluster).await;
    let operator = meters.convert(Registry::new()).await;
    let made = meters.create("v1alpha1", "a", 3).await.unwrap();
    assert_eq!(made["spec"], json!({"count": 3}));
    for (version, field) in FIELDS {
        let seen = meters.read(version, "a").await.unwrap();
        assert_eq!(seen["spec"], json!({field: 3}), "{version}");
        assert_eq!(seen["apiVersion"], format!("{}/{version}", meters.group));
        assert_eq!(seen["metadata"], made["metadata"]);
    }
    // Patches apply in the version that they are sent to.
    let patch = json!({"spec": {"amount": 4}});
    let patched = meters.merge("v1beta1", "a", patch).await.unwrap();
    assert_eq!(patched["spec"], json!({"amount": 4}));
    let seen = meters.read("v1alpha1", "a").await.unwrap();
    assert_eq!(seen["spec"], json!({"count": 4}));
    operator.stop().await;
    meters.remove().await;
}

#[kopfrs::test]
async fn lists_and_watches_are_of_the_version_that_is_asked_for(cluster: Cluster) {
    let meters = Meters::define(&cluster).await;
    let operator = meters.convert(Registry::new()).await;
    meters.create("v1beta1", "a", 1).await.unwrap();
    meters.create("v1", "b", 2).await.unwrap();
    let mut watches = Vec::new();
    for (version, field) in FIELDS {
        let api = api(&cluster, &meters, version);
        let list = api.list(&ListParams::default()).await.unwrap();
        let specs: Vec<&Value> = list.items.iter().map(|item| &item.data["spec"]).collect();
        assert_eq!(specs, [&json!({field: 1}), &json!({field: 2})], "{version}");
        let from = list.metadata.resource_version.unwrap();
        let events = api.watch(&WatchParams::default(), &from).await.unwrap();
        watches.push((field, events.boxed()));
    }
    let patch = json!({"spec": {"count": 5}});
    meters.merge("v1alpha1", "a", patch).await.unwrap();
    let rest = Rest::new(cluster.client());
    rest.delete(&meters.path("v1", "b"), None).await.unwrap();
    for (field, mut events) in watches {
        for expected in [format!("~a {field} 5"), format!("-b {field} 2")] {
            let event = loop {
                match events.try_next().await.unwrap().expect("it goes on") {
                    WatchEvent::Bookmark(_) => {}
                    event => break event,
                }
            };
            let (sign, object) = match event {
                WatchEvent::Modified(object) => ('~', object),
                WatchEvent::Deleted(object) => ('-', object),
                other => panic!("{other:?}"),
            };
            let told = format!(
                "{sign}{} {field} {}",
                object.name_any(),
                object.data["spec"][field]
            );
            assert_eq!(told, expected);
        }
    }
    operator.stop().await;
    meters.remove().await;
}
