//! Objects that stay as they were stored, while their definition goes on.

use serde_json::json;

use crate::demos::Demos;

#[tokio::test(start_paused = true)]
async fn objects_stay_in_the_version_they_were_stored_in() {
    let demos = Demos::start().await;
    let before = demos.create("v1", "a", 1).await;
    demos.define("v1beta1").await;
    demos.create("v1beta1", "b", 2).await;
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/demos.conv.test";
    let defined = demos.send(http::Method::GET, definition, None).await;
    assert_eq!(
        defined["status"]["storedVersions"],
        json!(["v1", "v1beta1"])
    );
    demos.asked();
    let old = demos.get("v1", "a").await;
    assert_eq!(old["metadata"], before["metadata"]);
    assert_eq!(old["spec"]["size"], 1);
    assert!(demos.asked().is_empty(), "it is stored in v1");
    assert_eq!(demos.get("v1", "b").await["spec"]["size"], 2);
    assert_eq!(demos.asked(), ["v1beta1>v1 1"]);
    // A list of both asks a question for each version.
    let all = crate::demos::path("v1alpha1", "");
    let all = demos.send(http::Method::GET, &all, None).await;
    let counts = all["items"].as_array().expect("items").iter();
    let counts: Vec<i64> = counts
        .filter_map(|item| item["spec"]["count"].as_i64())
        .collect();
    assert_eq!(counts, [1, 2]);
    assert_eq!(demos.asked(), ["v1>v1alpha1 1", "v1beta1>v1alpha1 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changes_nothing_brings_an_object_into_the_new_version() {
    let demos = Demos::start().await;
    let before = demos.create("v1", "a", 1).await;
    demos.define("v1beta1").await;
    let after = demos.patch("v1beta1", "a", &json!({})).await;
    assert_ne!(
        after["metadata"]["resourceVersion"],
        before["metadata"]["resourceVersion"]
    );
    demos.asked();
    demos.get("v1beta1", "a").await;
    assert!(demos.asked().is_empty());
}

#[tokio::test]
async fn the_versions_of_objects_outlive_the_sandbox() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let open = || {
        kopfrs_sandbox::Sandbox::builder()
            .persist(&path)
            .expect("a state")
    };
    let demos = Demos::on(open()).await;
    demos.create("v1", "a", 1).await;
    demos.define("v1beta1").await;
    demos.sandbox.clone().close().await.expect("kept");
    drop(demos);
    let demos = Demos::on(open()).await;
    demos.define("v1beta1").await;
    demos.asked();
    assert_eq!(demos.get("v1beta1", "a").await["spec"]["amount"], 1);
    assert_eq!(demos.asked(), ["v1>v1beta1 1"]);
}
