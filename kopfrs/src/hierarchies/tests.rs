//! Who becomes whose child, and how.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::*;
use crate::object::Body;

fn owner() -> Body {
    Body::new(json!({
        "apiVersion": "example.com/v1", "kind": "Site",
        "metadata": {"name": "web", "namespace": "demo", "uid": "1", "labels": {"app": "web", "tier": "a"}},
    }))
}

fn reference() -> Value {
    json!([{
        "apiVersion": "example.com/v1", "kind": "Site", "name": "web", "uid": "1",
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// What adoption makes of an object's metadata, in JSON, as a dynamic object and as a typed one.
fn check(how: &Hierarchy, given: &Value, expected: &Value) {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": given});
    let mut plain = object.clone();
    how.adopt(&mut plain, &owner()).unwrap();
    assert_eq!(plain["metadata"], *expected);
    let mut dynamic: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    how.adopt(&mut dynamic, &owner()).unwrap();
    assert_eq!(serde_json::to_value(&dynamic).unwrap(), plain);
    let mut typed: ConfigMap = serde_json::from_value(object).unwrap();
    how.adopt(&mut typed, &owner()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), plain);
}

#[test]
fn adoption_fills_in_what_is_missing_and_replaces_it_only_if_forced() {
    let labels = json!({"app": "web", "tier": "a"});
    check(
        &Hierarchy::new(),
        &json!({}),
        &json!({
            "generateName": "web-", "namespace": "demo", "labels": labels, "ownerReferences": reference(),
        }),
    );
    let own = json!({"name": "own", "namespace": "demo", "labels": {"app": "own", "x": "y"}});
    check(
        &Hierarchy::new(),
        &own,
        &json!({
            "name": "own", "namespace": "demo", "labels": {"app": "own", "tier": "a", "x": "y"},
            "ownerReferences": reference(),
        }),
    );
    let elsewhere = json!({"generateName": "own-", "namespace": "other", "labels": {"app": "own"}});
    check(
        &Hierarchy::new().forced(true).strict(true),
        &elsewhere,
        &json!({
            "name": "web", "namespace": "demo", "labels": labels, "ownerReferences": reference(),
        }),
    );
    check(
        &Hierarchy::new().strict(true),
        &json!({}),
        &json!({"name": "web", "namespace": "demo", "labels": labels, "ownerReferences": reference()}),
    );
}

#[test]
fn many_are_adopted_at_once() {
    let owner = owner();
    let is_child = |pod: &Pod| pod.metadata.owner_references.is_some();
    let mut pods = vec![Pod::default(), Pod::default()];
    adopt(&mut pods, &owner).unwrap();
    assert!(pods.iter().all(is_child));
    let mut pods = [Pod::default(), Pod::default()];
    adopt(&mut pods[1..], &owner).unwrap();
    assert!(!is_child(&pods[0]) && is_child(&pods[1]));
    adopt(pods.iter_mut().take(1), &owner).unwrap();
    assert!(is_child(&pods[0]));
    let mut documents = json!([{"kind": "A"}, {"kind": "B"}]);
    adopt(&mut documents, &owner).unwrap();
    assert_eq!(documents[1]["metadata"]["ownerReferences"], reference());
    let (mut pod, mut map) = (Pod::default(), ConfigMap::default());
    adopt(&mut pod, &owner).unwrap();
    adopt(&mut map, &pod).unwrap_err();
    pod.metadata.uid = Some("2".into());
    pod.metadata.name = Some("p".into());
    adopt(&mut map, &pod).unwrap();
    let owners = map.metadata.owner_references.unwrap();
    assert_eq!((&*owners[0].kind, &*owners[0].name), ("Pod", "p"));
    assert_eq!(map.metadata.namespace.as_deref(), Some("demo"));
}

#[test]
fn references_are_replaced_and_removed_by_uid() {
    let mut map = json!({"metadata": {"ownerReferences": [
        {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "9"},
        {"apiVersion": "old", "kind": "Site", "name": "old", "uid": "1", "controller": true},
    ]}});
    let how = Hierarchy::new()
        .controller(false)
        .block_owner_deletion(false);
    how.append_owner_reference(&mut map, &owner()).unwrap();
    let owners = &map["metadata"]["ownerReferences"];
    assert_eq!(owners.as_array().unwrap().len(), 2);
    assert_eq!(owners[1]["name"], "web");
    assert_eq!(
        (&owners[1]["controller"], &owners[1]["blockOwnerDeletion"]),
        (&json!(false), &json!(false))
    );
    remove_owner_reference(&mut map, &owner()).unwrap();
    let owners = &map["metadata"]["ownerReferences"];
    assert_eq!(owners[0]["uid"], "9");
    assert_eq!(owners.as_array().unwrap().len(), 1);
}

#[test]
fn parts_are_labelled_where_they_are_there() {
    let how = Hierarchy::new().nested(["spec.template", "spec.volumeClaimTemplates", "spec.other"]);
    let mut object = json!({"spec": {"template": {"spec": {}}, "volumeClaimTemplates": [{}, {"metadata": {"labels": {"a": "own"}}}]}});
    how.label(&mut object, [("a", "b")]).unwrap();
    assert_eq!(
        object,
        json!({
            "metadata": {"labels": {"a": "b"}},
            "spec": {
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {}},
                "volumeClaimTemplates": [{"metadata": {"labels": {"a": "b"}}}, {"metadata": {"labels": {"a": "own"}}}],
            },
        })
    );
    how.clone()
        .forced(true)
        .label(&mut object, [("a", "c")])
        .unwrap();
    assert_eq!(
        object["spec"]["volumeClaimTemplates"][1]["metadata"]["labels"]["a"],
        "c"
    );
    label(&mut object, &owner()).unwrap();
    assert_eq!(
        object["metadata"]["labels"],
        json!({"a": "c", "app": "web", "tier": "a"})
    );
}

#[test]
fn names_and_namespaces_are_given_to_those_that_have_none() {
    let mut maps = [ConfigMap::default(), ConfigMap::default()];
    maps[0].metadata.name = Some("own".into());
    maps[0].metadata.namespace = Some("own".into());
    harmonize_naming(&mut maps, "web").unwrap();
    adjust_namespace(&mut maps, "demo").unwrap();
    let told = |map: &ConfigMap| {
        let meta = map.metadata.clone();
        (meta.name, meta.generate_name, meta.namespace)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(told(&maps[0]), (text("own"), None, text("own")));
    assert_eq!(told(&maps[1]), (None, text("web-"), text("demo")));
    let mut namespace = Namespace::default();
    adjust_namespace(&mut namespace, "demo").unwrap();
    assert_eq!(namespace.metadata.namespace, None);
    adjust_namespace(&mut maps[1], None).unwrap();
    assert_eq!(maps[1].metadata.namespace, text("demo"));
}

#[test]
fn what_could_never_be_is_refused() {
    fn said(result: Result<(), HierarchyError>) -> String {
        result.unwrap_err().to_string()
    }
    let no_child = "Namespace web cannot be adopted by Site demo/web: the owner is namespaced, the kind of the object is not";
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some("web".into());
    assert_eq!(said(adopt(&mut namespace, &owner())), no_child);
    assert_eq!(namespace.metadata.labels, None, "nothing has been changed");
    let mut plain = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}});
    assert_eq!(said(append_owner_reference(&mut plain, &owner())), no_child);
    let mut elsewhere = json!({"kind": "Pod", "metadata": {"name": "a", "namespace": "other"}});
    assert_eq!(
        said(adopt(&mut elsewhere, &owner())),
        "Pod other/a cannot be adopted by Site demo/web: they are in different namespaces"
    );
    let other =
        json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "9", "controller": true});
    let mut owned = json!({"kind": "Pod", "metadata": {"ownerReferences": [other]}});
    assert_eq!(
        said(adopt(&mut owned, &owner())),
        "Pod (unnamed) cannot be adopted by Site demo/web: another object is its controller: remove that owner reference first"
    );
    Hierarchy::new()
        .controller(false)
        .adopt(&mut owned, &owner())
        .unwrap();
    let nobody = Body::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}));
    let mut pod = Pod::default();
    assert_eq!(
        said(adopt(&mut pod, &nobody)),
        "Pod p cannot be an owner: it has no metadata.uid"
    );
    assert_eq!(
        said(adopt(&mut json!("text"), &owner())),
        "object (unnamed) is no object: it is \"text\""
    );
    let mut odd = json!({"kind": "Pod", "metadata": {"labels": {"a": 1}}});
    assert!(
        said(adopt(&mut odd, &owner()))
            .starts_with("Pod (unnamed) is no object: metadata: invalid type")
    );
    let how = Hierarchy::new().nested(["spec..x"]);
    assert!(said(how.adopt(&mut pod, &owner())).contains("empty segment"));
    let mut list = json!({"spec": {"template": 1}});
    let how = Hierarchy::new().nested(["spec.template"]);
    assert_eq!(
        said(how.label(&mut list, [("a", "b")])),
        "object (unnamed) is no object: spec.template: it is 1"
    );
}
