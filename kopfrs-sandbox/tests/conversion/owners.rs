//! Who owns fields that have other names in other versions.

use serde_json::{Value, json};

use crate::demos::{Demos, message};

/// The managers, each with its version and what it owns of the spec.
fn owners(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array();
    let mut owners: Vec<String> = entries
        .into_iter()
        .flatten()
        .map(|entry| {
            let fields = entry["fieldsV1"]["f:spec"].as_object();
            let fields = fields.into_iter().flatten().map(|(name, _)| name.as_str());
            let fields: Vec<&str> = fields.filter(|name| *name != ".").collect();
            let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
            format!(
                "{} {} {}",
                text("manager"),
                text("apiVersion"),
                fields.join(",")
            )
        })
        .collect();
    owners.sort();
    owners
}

#[tokio::test(start_paused = true)]
async fn a_change_in_one_version_takes_the_field_from_its_owner_in_another() {
    let demos = Demos::start().await;
    let made = demos.create("v1alpha1", "a", 3).await;
    assert_eq!(
        owners(&made),
        ["tests conv.test/v1alpha1 f:count,f:onlyv1alpha1"]
    );
    let patched = demos.patch("v1", "a", &json!({"spec": {"size": 5}})).await;
    assert_eq!(
        owners(&patched),
        [
            "tests conv.test/v1 f:size",
            "tests conv.test/v1alpha1 f:onlyv1alpha1"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_found_across_versions() {
    let demos = Demos::start().await;
    demos.create("v1alpha1", "a", 3).await;
    demos.patch("v1", "a", &json!({"spec": {"size": 5}})).await;
    let refused = demos.apply("v1alpha1", ("m", ""), 6).await;
    assert_eq!(
        message(&refused),
        "Apply failed with 1 conflict: conflict with \"tests\" using conv.test/v1: .spec.size"
    );
    let forced = demos.apply("v1alpha1", ("m", "&force=true"), 6).await;
    assert_eq!(
        owners(&forced),
        [
            "m conv.test/v1alpha1 f:count",
            "tests conv.test/v1alpha1 f:onlyv1alpha1"
        ]
    );
    let refused = demos.apply("v1", ("n", ""), 7).await;
    assert_eq!(
        message(&refused),
        "Apply failed with 1 conflict: conflict with \"m\": .spec.count"
    );
}

#[tokio::test(start_paused = true)]
async fn a_manager_may_go_on_in_another_version() {
    let demos = Demos::start().await;
    demos.apply("v1alpha1", ("m", ""), 6).await;
    let applied = demos.apply("v1", ("m", ""), 7).await;
    assert_eq!(applied["spec"]["size"], 7, "{applied}");
    assert_eq!(owners(&applied), ["m conv.test/v1 f:size"]);
    assert_eq!(demos.get("v1alpha1", "a").await["spec"]["count"], 7);
}

#[tokio::test(start_paused = true)]
async fn without_a_webhook_writes_go_on_and_owners_are_lost() {
    let demos = Demos::start().await;
    demos.create("v1alpha1", "a", 3).await;
    demos.fail();
    let patched = demos.patch("v1", "a", &json!({"spec": {"size": 5}})).await;
    assert_eq!(patched["spec"]["size"], 5);
    assert!(owners(&patched).is_empty(), "{patched}");
}
