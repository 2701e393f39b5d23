//! Creating, replacing, patching, applying.

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::api::{ActionError, ActionResultExt as _};
use kopfrs::testing::Cluster;
use kube::api::Patch;
use kube::core::TypeMeta;
use kube::core::params::ValidationDirective;
use serde_json::json;

use super::{Place, config_map, data, gadget, gadgets};

#[kopfrs::test]
async fn the_local_object_becomes_what_is_stored(cluster: Cluster) {
    let place = Place::new(&cluster);
    let mut map = place.map("a");
    map.data = data("colour", "blue");
    place.actions.create(&mut map).await.unwrap();
    let first = map.metadata.resource_version.clone();
    assert!(map.metadata.uid.is_some() && first.is_some());

    let mut generated = place.map("");
    (generated.metadata.name, generated.metadata.generate_name) = (None, Some("g-".into()));
    place.actions.create(&mut generated).await.unwrap();
    assert!(generated.metadata.name.unwrap().starts_with("g-"));

    map.data = data("colour", "red");
    place.actions.update(&mut map).await.unwrap();
    assert_ne!(map.metadata.resource_version, first);

    let patch = Patch::Merge(json!({ "data": { "size": "3" } }));
    place.actions.patch(&mut map, &patch).await.unwrap();
    let stored = map.data.clone().unwrap();
    assert_eq!((&*stored["colour"], &*stored["size"]), ("red", "3"));

    let mut read = place.map("a");
    place.actions.get(&mut read).await.unwrap();
    assert_eq!(read, map);
}

#[kopfrs::test]
async fn refusals_of_the_server_are_told_apart(cluster: Cluster) {
    let place = Place::new(&cluster);
    let actions = &place.actions;
    let mut map = place.map("a");
    actions.create(&mut map).await.unwrap();
    let mut again = place.map("a");
    let error = actions.create(&mut again).await.unwrap_err();
    assert!(
        matches!(error, ActionError::AlreadyExists { .. }),
        "{error}"
    );
    assert_eq!(error.status().unwrap().code, 409);

    let mut stale = map.clone();
    map.data = data("colour", "blue");
    actions.update(&mut map).await.unwrap();
    stale.data = data("colour", "red");
    let error = actions.update(&mut stale).await.unwrap_err();
    assert!(matches!(error, ActionError::Conflict { .. }), "{error}");

    actions.delete(&map).await.unwrap();
    let error = actions.delete(&map).await.unwrap_err();
    assert!(matches!(error, ActionError::NotFound { .. }), "{error}");
    assert!(
        actions
            .delete(&map)
            .await
            .ignore_not_found()
            .unwrap()
            .is_none()
    );
    assert_eq!(actions.find(&map).await.unwrap(), None);

    let mut wrong = place.map("Not_A_Name");
    let error = actions.create(&mut wrong).await.unwrap_err();
    assert!(matches!(error, ActionError::Invalid { .. }), "{error}");
    assert!(error.to_string().contains("Not_A_Name"), "{error}");
}

#[kopfrs::test]
async fn what_an_object_lacks_is_told_before_any_request(cluster: Cluster) {
    let place = Place::new(&cluster);
    let actions = &place.actions;
    let named = |name: Option<&str>, namespace: Option<&str>| {
        let mut map = ConfigMap::default();
        map.metadata.name = name.map(str::to_owned);
        map.metadata.namespace = namespace.map(str::to_owned);
        map
    };
    let types = |api_version: &str, kind: &str| {
        Some(TypeMeta {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        })
    };
    let mut told = Vec::new();
    told.push(actions.create(&mut named(None, Some("a"))).await);
    told.push(actions.create(&mut named(Some(""), Some("a"))).await);
    told.push(actions.create(&mut named(Some("a"), None)).await);
    told.push(actions.update(&mut named(None, Some("a"))).await);
    told.push(actions.get(&mut named(Some("a"), Some(""))).await);
    told.push(actions.delete(&named(None, Some("a"))).await);
    told.push(actions.apply(&mut named(Some("a"), None)).await);
    for types in [None, types("", "ConfigMap"), types("v1", "")] {
        let mut object = place.dynamic(types, "a", json!({}));
        told.push(actions.create(&mut object).await);
    }
    told.push(actions.delete_all_of::<ConfigMap>().await);
    for result in &told {
        assert!(
            matches!(result, Err(ActionError::Missing { .. })),
            "{result:?}"
        );
    }
    let text = told.pop().unwrap().unwrap_err().to_string();
    assert_eq!(
        text,
        "configmaps has no namespace (set it with .namespace(…)): set it before delete_all_of"
    );
    assert_eq!(actions.counts().rows(), []);
}

#[kopfrs::test]
async fn dynamic_objects_find_their_kind_themselves(cluster: Cluster) {
    cluster.apply(&gadgets().to_string()).await;
    let place = Place::new(&cluster);
    let actions = &place.actions;
    let mut gadget = place.dynamic(gadget(), "a", json!({ "spec": { "size": 1 } }));
    actions.create(&mut gadget).await.unwrap();
    assert_eq!(gadget.metadata.generation, Some(1));
    gadget.data["spec"]["size"] = 2.into();
    gadget.data["status"] = json!({ "ready": 1 });
    actions.update(&mut gadget).await.unwrap();
    assert_eq!(gadget.metadata.generation, Some(2));
    assert_eq!(
        gadget.data["status"],
        json!(null),
        "the status is a matter of its own"
    );

    gadget.data = json!({ "spec": { "size": 9 }, "status": { "ready": 1 } });
    actions.update_status(&mut gadget).await.unwrap();
    assert_eq!(
        gadget.data,
        json!({ "spec": { "size": 2 }, "status": { "ready": 1 } })
    );
    let patch = Patch::Merge(json!({ "status": { "ready": 2 } }));
    actions.patch_status(&mut gadget, &patch).await.unwrap();
    assert_eq!(gadget.data["status"]["ready"], 2);

    let types = TypeMeta {
        api_version: "v1".into(),
        kind: "Gizmo".into(),
    };
    let mut unknown = place.dynamic(Some(types), "a", json!({}));
    let error = actions.create(&mut unknown).await.unwrap_err();
    assert!(matches!(error, ActionError::UnknownKind { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "there is no kind Gizmo in v1 on this cluster: is its definition installed, and is that version served?"
    );
    // Discovery is asked once for each kind.
    let discovery = |row: &kopfrs::api::RequestKind| row.resource.is_empty();
    assert_eq!(actions.counts().total(discovery), 0, "it is the client's");
}

#[kopfrs::test]
async fn what_is_applied_belongs_to_who_applies_it(cluster: Cluster) {
    let place = Place::new(&cluster);
    let ours = place.actions.clone().field_manager("ours");
    let theirs = place.actions.clone().field_manager("theirs");
    let mut map = place.map("a");
    map.data = data("colour", "blue");
    ours.apply(&mut map).await.unwrap();
    assert!(map.metadata.uid.is_some(), "it was created");

    let mut other = place.map("a");
    other.data = data("colour", "red");
    let error = theirs.apply(&mut other).await.unwrap_err();
    assert!(matches!(error, ActionError::Conflict { .. }), "{error}");
    assert!(
        error.to_string().contains("ours"),
        "it names who has the field: {error}"
    );
    theirs.clone().force().apply(&mut other).await.unwrap();
    assert_eq!(other.data, data("colour", "red"));

    // What is not applied any more goes.
    let mut less = place.map("a");
    theirs.apply(&mut less).await.unwrap();
    assert_eq!(less.data, None);
}

#[kopfrs::test]
async fn a_dry_run_stores_nothing_and_strict_validation_refuses_what_is_unknown(cluster: Cluster) {
    let place = Place::new(&cluster);
    let dry = place.actions.clone().dry_run();
    let mut map = place.map("a");
    dry.create(&mut map).await.unwrap();
    assert!(
        map.metadata.uid.is_some(),
        "the answer is what would be stored"
    );
    assert_eq!(place.actions.find(&map).await.unwrap(), None);
    let mut map = place.map("a");
    place.actions.create(&mut map).await.unwrap();
    dry.delete(&map).await.unwrap();
    dry.delete_all_of::<ConfigMap>()
        .namespace(place.name())
        .await
        .unwrap();
    assert!(place.actions.find(&map).await.unwrap().is_some());

    let strict = place
        .actions
        .clone()
        .field_validation(ValidationDirective::Strict);
    let mut odd = place.dynamic(config_map(), "odd", json!({ "colour": "blue" }));
    let error = strict.create(&mut odd).await.unwrap_err();
    assert!(
        error.to_string().contains(r#"unknown field "colour""#),
        "{error}"
    );
    place.actions.create(&mut odd).await.unwrap();
}
