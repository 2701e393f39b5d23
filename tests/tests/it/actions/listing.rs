//! Reading many.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::api::ActionError;
use kopfrs::testing::Cluster;
use kube::api::ListParams;

use super::{Place, data};

#[kopfrs::test]
async fn a_thousand_objects_come_page_by_page(cluster: Cluster) {
    const OBJECTS: usize = 1000;
    let place = Place::new(&cluster);
    let made = stream::iter(0..OBJECTS).map(|number| {
        let mut map = place.map(&format!("map-{number:04}"));
        map.metadata.labels = data("parity", if number % 2 == 0 { "even" } else { "odd" });
        let actions = &place.actions;
        async move { actions.create(&mut map).await }
    });
    made.buffer_unordered(16).try_collect::<()>().await.unwrap();

    let list = || place.actions.list::<ConfigMap>().namespace(place.name());
    let numbered = || list().labels("parity").page_size(64);
    let names: BTreeSet<_> = numbered()
        .stream()
        .map_ok(|map| map.metadata.name.unwrap())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names.len(), OBJECTS);
    let pages = |row: &kopfrs::api::RequestKind| row.verb == "list";
    assert_eq!(place.actions.counts().total(pages), 16);
    assert_eq!(
        list().labels("parity=odd").await.unwrap().len(),
        OBJECTS / 2
    );

    let page = list().page_size(10).page().await.unwrap();
    assert_eq!(page.items.len(), 10);
    assert!(page.resource_version.is_some());
    let next = ListParams::default()
        .limit(5)
        .continue_token(&page.next.unwrap());
    let next = list().params(next).page().await.unwrap();
    assert_eq!(next.items.len(), 5);
    assert!(next.items[0].metadata.name > page.items[9].metadata.name);

    let one = list().fields("metadata.name=map-0007").await.unwrap();
    assert_eq!(one.len(), 1);
    let dynamic = place
        .actions
        .list_kind("v1", "ConfigMap")
        .namespace(place.name());
    let dynamic = dynamic.fields("metadata.name=map-0007").await.unwrap();
    // They tell their kind, so that more can be done to them.
    place.actions.delete(&dynamic[0]).await.unwrap();
}

#[kopfrs::test]
async fn a_selector_that_nobody_understands_is_told(cluster: Cluster) {
    let place = Place::new(&cluster);
    let list = place.actions.list::<ConfigMap>().namespace(place.name());
    let error = list.labels("a in (").await.unwrap_err();
    assert!(matches!(error, ActionError::Invalid { .. }), "{error}");
    let error = place
        .actions
        .list_kind("apps/v1", "Gizmo")
        .await
        .unwrap_err();
    assert!(matches!(error, ActionError::UnknownKind { .. }), "{error}");
    let error = place.actions.list_kind("", "Gizmo").await.unwrap_err();
    assert!(
        matches!(
            error,
            ActionError::Missing {
                field: "apiVersion",
                ..
            }
        ),
        "{error}"
    );
}
