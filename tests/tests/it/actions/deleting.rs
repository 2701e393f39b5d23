//! Deleting one and many.

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::api::ActionError;
use kopfrs::object::Body;
use kopfrs::testing::Cluster;
use kopfrs_tests::untested;
use kube::api::{DeleteParams, Preconditions};
use serde_json::json;

use super::Place;

#[kopfrs::test]
async fn preconditions_hold_or_nothing_is_deleted(cluster: Cluster) {
    let place = Place::new(&cluster);
    let mut map = place.map("a");
    place.actions.create(&mut map).await.unwrap();
    let condition = |uid: &str| {
        DeleteParams::background().preconditions(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        })
    };
    let other = condition("00000000-0000-0000-0000-000000000000");
    let error = place.actions.delete_with(&map, &other).await.unwrap_err();
    assert!(matches!(error, ActionError::Conflict { .. }), "{error}");
    assert!(place.actions.find(&map).await.unwrap().is_some());
    let own = condition(map.metadata.uid.as_deref().unwrap());
    place.actions.delete_with(&map, &own).await.unwrap();
    assert_eq!(place.actions.find(&map).await.unwrap(), None);
}

#[kopfrs::test]
async fn what_becomes_of_children_is_as_asked(cluster: Cluster) {
    if !untested::runs(&cluster, "the garbage collector") {
        return;
    }
    let place = Place::new(&cluster);
    let mut left = Vec::new();
    for (name, params) in [
        ("kept", DeleteParams::orphan()),
        ("taken", DeleteParams::background()),
        ("first", DeleteParams::foreground()),
    ] {
        let mut parent = place.map(name);
        place.actions.create(&mut parent).await.unwrap();
        let child = adopted(&place, &parent).await;
        place.actions.delete_with(&parent, &params).await.unwrap();
        until_gone(&place, &parent).await;
        if name == "kept" {
            let child = place.actions.find(&child).await.unwrap().unwrap();
            assert_eq!(child.metadata.owner_references, None, "it is nobody's now");
        } else {
            left.push(child);
        }
    }
    for child in left {
        until_gone(&place, &child).await;
    }
}

#[kopfrs::test]
async fn many_are_deleted_by_their_labels(cluster: Cluster) {
    let place = Place::new(&cluster);
    for (name, colour) in [("a", "blue"), ("b", "blue"), ("c", "red")] {
        let mut map = place.map(name);
        map.metadata.labels = super::data("colour", colour);
        place.actions.create(&mut map).await.unwrap();
    }
    let blue = place.actions.delete_all_of::<ConfigMap>();
    blue.namespace(place.name())
        .labels("colour=blue")
        .await
        .unwrap();
    let colours = place.actions.list::<ConfigMap>().labels("colour");
    let left = colours.namespace(place.name()).await.unwrap();
    let left: Vec<_> = left
        .into_iter()
        .map(|map| map.metadata.name.unwrap())
        .collect();
    assert_eq!(left, ["c"]);
    place
        .actions
        .delete_all_of_kind("v1", "ConfigMap")
        .namespace(place.name())
        .labels("colour")
        .await
        .unwrap();
    let red = place.actions.list::<ConfigMap>().namespace(place.name());
    assert_eq!(red.labels("colour").await.unwrap(), []);
}

/// A child of an object, as handlers make them.
async fn adopted(place: &Place, parent: &ConfigMap) -> ConfigMap {
    let mut value = json!(parent);
    (value["apiVersion"], value["kind"]) = ("v1".into(), "ConfigMap".into());
    let actions = place.actions.clone().with_owner(Body::new(value));
    let mut child = ConfigMap::default();
    actions.adopt(&mut child).unwrap();
    assert_eq!(child.metadata.namespace, parent.metadata.namespace);
    actions.create(&mut child).await.unwrap();
    child
}

async fn until_gone(place: &Place, map: &ConfigMap) {
    let maps = place.cluster.objects::<ConfigMap>();
    maps.until_gone(map.metadata.name.as_deref().unwrap()).await;
}
