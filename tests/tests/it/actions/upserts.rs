//! Objects as they shall be, whether they are there or not.

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::api::{ActionError, Change, RequestKind};
use kopfrs::testing::Cluster;
use serde_json::json;

use super::{Place, data, gadget, gadgets};

fn is_write(row: &RequestKind) -> bool {
    ["create", "update", "patch", "delete"].contains(&row.verb)
}

#[kopfrs::test]
async fn what_is_as_it_shall_be_is_not_written(cluster: Cluster) {
    let place = Place::new(&cluster);
    let actions = &place.actions;
    let blue = |map: &mut ConfigMap| {
        map.data
            .get_or_insert_default()
            .insert("colour".into(), "blue".into());
    };
    let mut map = place.map("a");
    let changes = [
        actions.create_or_update(&mut map, blue).await.unwrap(),
        actions.create_or_update(&mut map, blue).await.unwrap(),
    ];
    assert_eq!(changes, [Change::Created, Change::Unchanged]);
    assert_eq!(actions.counts().total(is_write), 1);

    // What others have put in stays, and what they have changed is changed back.
    map.data = data("colour", "red");
    map.data.as_mut().unwrap().insert("size".into(), "3".into());
    actions.update(&mut map).await.unwrap();
    let mut fresh = place.map("a");
    let change = actions.create_or_update(&mut fresh, blue).await.unwrap();
    assert_eq!(change, Change::Updated);
    let stored = fresh.data.unwrap();
    assert_eq!((&*stored["colour"], &*stored["size"]), ("blue", "3"));
}

#[kopfrs::test]
async fn somebody_who_writes_meanwhile_is_no_obstacle(cluster: Cluster) {
    let place = Place::new(&cluster);
    let all = (0..8).map(|number| {
        let (place, key) = (&place, format!("key-{}", number % 4));
        async move {
            // Conflicts are met with a few fresh looks: with more writers than looks, some lose.
            loop {
                let put = |map: &mut ConfigMap| {
                    map.data
                        .get_or_insert_default()
                        .insert(key.clone(), "x".into());
                };
                match place
                    .actions
                    .create_or_update(&mut place.map("a"), put)
                    .await
                {
                    Ok(_) => return,
                    Err(ActionError::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    futures::future::join_all(all).await;
    let map = place.actions.find(&place.map("a")).await.unwrap().unwrap();
    assert_eq!(map.data.unwrap().len(), 4);
}

#[kopfrs::test]
async fn patches_change_the_object_and_its_status_apart(cluster: Cluster) {
    cluster.apply(&gadgets().to_string()).await;
    let place = Place::new(&cluster);
    let actions = &place.actions;
    let mut object = place.dynamic(gadget(), "a", json!({}));
    let mut be = async |size: u32, ready: u32| {
        let change = actions.create_or_patch(&mut object, |gadget| {
            gadget.data["spec"]["size"] = size.into();
            gadget.data["status"]["ready"] = ready.into();
        });
        let change = change.await.unwrap();
        let expected = json!({ "spec": { "size": size }, "status": { "ready": ready } });
        assert_eq!(object.data, expected);
        change
    };
    assert_eq!(be(1, 1).await, Change::Created);
    assert_eq!(be(1, 1).await, Change::Unchanged);
    assert_eq!(be(1, 2).await, Change::UpdatedStatus);
    assert_eq!(be(2, 2).await, Change::Updated);
    assert_eq!(be(3, 3).await, Change::Updated);
    assert_eq!(actions.counts().total(is_write), 2 + 1 + 1 + 2);
}

#[kopfrs::test]
async fn the_function_cannot_make_it_another_object(cluster: Cluster) {
    let place = Place::new(&cluster);
    let rename = |map: &mut ConfigMap| map.metadata.name = Some("b".into());
    let error = place
        .actions
        .create_or_update(&mut place.map("a"), rename)
        .await;
    let error = error.unwrap_err();
    assert!(
        matches!(
            error,
            ActionError::Renamed {
                field: "metadata.name",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(place.actions.counts().total(is_write), 0);
}
