//! Objects read in other versions than the stored one.

use http::Method;
use serde_json::json;

use crate::demos::{Demos, path};

#[tokio::test(start_paused = true)]
async fn objects_are_shown_in_every_version() {
    let demos = Demos::start().await;
    let made = demos.create("v1alpha1", "a", 3).await;
    assert_eq!(made["apiVersion"], "conv.test/v1alpha1");
    // What was a default in v1alpha1 is not known to v1, and is not filled in where objects are read.
    assert_eq!(made["spec"], json!({"count": 3}));
    assert_eq!(demos.asked(), ["v1alpha1>v1 1", "v1>v1alpha1 1"]);
    for (version, spec) in [
        ("v1", json!({"size": 3, "onlyv1": "yes"})),
        ("v1beta1", json!({"amount": 3})),
        ("v1alpha1", json!({"count": 3})),
    ] {
        let seen = demos.get(version, "a").await;
        assert_eq!(seen["spec"], spec, "{version}");
        assert_eq!(seen["metadata"], made["metadata"], "{version}");
        assert_eq!(seen["apiVersion"], format!("conv.test/{version}"));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_about_objects_of_the_right_version() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    demos.get("v1", "a").await;
    let all = demos.send(Method::GET, &path("v1", ""), None).await;
    assert_eq!(all["items"][0]["spec"]["size"], 1);
    let patch = json!({"spec": {"size": 2}});
    assert_eq!(demos.patch("v1", "a", &patch).await["spec"]["size"], 2);
    demos.send(Method::DELETE, &path("v1", "a"), None).await;
    assert!(demos.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn lists_are_converted_together_and_once() {
    let demos = Demos::start().await;
    for name in ["a", "b", "c"] {
        demos.create("v1", name, 1).await;
    }
    let list = path("v1beta1", "");
    for _ in 0..2 {
        let all = demos.send(Method::GET, &list, None).await;
        let items = all["items"].as_array().expect("items").iter();
        let amounts: Vec<_> = items.map(|item| &item["spec"]["amount"]).collect();
        assert_eq!(amounts, [1, 1, 1]);
    }
    assert_eq!(demos.asked(), ["v1>v1beta1 3"]);
    demos.patch("v1", "b", &json!({"spec": {"size": 2}})).await;
    demos.send(Method::GET, &list, None).await;
    assert_eq!(demos.asked(), ["v1>v1beta1 1"]);
    // One by one they are asked about each time, as by a real server; unless any state will do.
    demos.get("v1beta1", "b").await;
    demos.get("v1beta1", "b").await;
    assert_eq!(demos.asked().len(), 2);
    let any = path("v1beta1", "b?resourceVersion=0");
    demos.send(Method::GET, &any, None).await;
    assert!(demos.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn pages_ask_about_what_is_in_them() {
    let demos = Demos::start().await;
    for name in ["a", "b", "c"] {
        demos.create("v1", name, 1).await;
    }
    let page = path("v1alpha1", "?limit=2").replace("demos/?", "demos?");
    let first = demos.send(Method::GET, &page, None).await;
    assert_eq!(first["items"].as_array().expect("items").len(), 2);
    assert_eq!(demos.asked(), ["v1>v1alpha1 2"]);
}

#[tokio::test(start_paused = true)]
async fn fields_are_selected_in_the_version_that_is_asked_for() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    demos.create("v1", "b", 2).await;
    let selected = format!("{}?fieldSelector=spec.count%3D2", path("v1alpha1", ""));
    let found = demos.send(Method::GET, &selected, None).await;
    let items = found["items"].as_array().expect("items");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["metadata"]["name"], "b");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_may_change_labels_and_annotations_alone() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    demos.instead(|request| {
        let mut answer = crate::demos::good(request);
        let object = &mut answer["convertedObjects"][0];
        object["metadata"]["labels"] = json!({"converted": "yes"});
        object["metadata"]["finalizers"] = json!(["x.io/y"]);
        object["unknown"] = json!(1);
        object["spec"]["unknown"] = json!(1);
        object["status"] = json!(null);
        answer
    });
    let seen = demos.get("v1alpha1", "a").await;
    assert_eq!(seen["metadata"]["labels"], json!({"converted": "yes"}));
    assert!(seen["metadata"].get("finalizers").is_none());
    assert_eq!(seen["spec"], json!({"count": 1}));
    assert!(seen.get("unknown").is_none() && seen.get("status").is_none());
}
