//! Objects written in other versions than the stored one.

use http::Method;
use serde_json::json;

use crate::demos::{Demos, demo, message, path};

#[tokio::test(start_paused = true)]
async fn patches_apply_in_the_version_of_the_request() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    let patch = json!({"spec": {"count": 2}});
    let patched = demos.patch("v1alpha1", "a", &patch).await;
    assert_eq!(patched["spec"], json!({"count": 2}));
    assert_eq!(patched["metadata"]["generation"], 2);
    let stored = demos.get("v1", "a").await;
    assert_eq!(stored["spec"]["size"], 2);
    assert_eq!(
        stored["metadata"]["resourceVersion"],
        patched["metadata"]["resourceVersion"]
    );
}

#[tokio::test(start_paused = true)]
async fn updates_are_validated_in_the_version_of_the_request() {
    let demos = Demos::start().await;
    let made = demos.create("v1", "a", 1).await;
    let mut update = demo("v1beta1", "a", -1);
    update["metadata"] = made["metadata"].clone();
    let at = path("v1beta1", "a");
    let refused = demos.send(Method::PUT, &at, Some(&update)).await;
    assert_eq!(refused["code"], 422);
    assert!(message(&refused).contains("spec.amount"), "{refused}");
    update["spec"]["amount"] = json!(5);
    let updated = demos.send(Method::PUT, &at, Some(&update)).await;
    assert_eq!(updated["spec"]["amount"], 5, "{updated}");
    assert_eq!(demos.get("v1", "a").await["spec"]["size"], 5);
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_writes_nothing() {
    let demos = Demos::start().await;
    let made = demos.create("v1beta1", "a", 1).await;
    let patched = demos
        .patch("v1beta1", "a", &json!({"spec": {"amount": 1}}))
        .await;
    assert_eq!(
        patched["metadata"]["resourceVersion"],
        made["metadata"]["resourceVersion"]
    );
}

#[tokio::test(start_paused = true)]
async fn subresources_are_written_in_every_version() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    let status = json!({"status": {"phase": "Good"}, "spec": {"amount": 9}});
    let patched = demos.patch("v1beta1", "a/status", &status).await;
    assert_eq!(patched["status"]["phase"], "Good");
    assert_eq!(patched["spec"]["amount"], 1);
    let scale = demos.get("v1alpha1", "a/scale").await;
    assert_eq!(scale["spec"]["replicas"], 1);
    let wish = json!({"spec": {"replicas": 4}});
    let scaled = demos.patch("v1alpha1", "a/scale", &wish).await;
    assert_eq!(scaled["spec"]["replicas"], 4, "{scaled}");
    let stored = demos.get("v1", "a").await;
    assert_eq!(stored["spec"]["size"], 4);
    assert_eq!(stored["status"]["phase"], "Good");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_is_converted_and_not_stored() {
    let demos = Demos::start().await;
    let dry = format!("{}?dryRun=All", path("v1alpha1", ""));
    let made = demos
        .send(Method::POST, &dry, Some(&demo("v1alpha1", "a", 1)))
        .await;
    assert_eq!(made["spec"], json!({"count": 1}));
    assert_eq!(demos.asked(), ["v1alpha1>v1 1", "v1>v1alpha1 1"]);
    assert_eq!(demos.get("v1", "a").await["code"], 404);
}

#[tokio::test(start_paused = true)]
async fn deletions_mark_and_remove_in_every_version() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    let hold = json!({"metadata": {"finalizers": ["x.io/hold"]}});
    demos.patch("v1alpha1", "a", &hold).await;
    let at = path("v1alpha1", "a");
    let marked = demos.send(Method::DELETE, &at, None).await;
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(marked["spec"], json!({"count": 1}));
    let let_go = json!({"metadata": {"finalizers": null}});
    demos.patch("v1beta1", "a", &let_go).await;
    assert_eq!(demos.get("v1", "a").await["code"], 404);
}

#[tokio::test(start_paused = true)]
async fn reviews_of_another_version_see_that_version() {
    let demos = Demos::start().await;
    let judge = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "judge"}, "webhooks": [{
            "name": "judge.x.io", "clientConfig": demos.webhooks.at("/judge"), "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "rules": [{
                "apiGroups": ["conv.test"], "apiVersions": ["v1beta1"], "resources": ["demos"], "operations": ["*"],
            }],
        }],
    });
    demos.instead(|request| {
        if request.get("desiredAPIVersion").is_some() {
            return crate::demos::good(request);
        }
        let amount = &request["object"]["spec"]["amount"];
        json!({"allowed": *amount == 3, "status": {"message": format!("amount is {amount}")}})
    });
    let text = judge.to_string();
    demos.sandbox.apply_yaml(&text).await.expect("a webhook");
    let made = demos.create("v1alpha1", "good", 3).await;
    assert_eq!(made["spec"]["count"], 3, "{made}");
    let refused = demos.create("v1alpha1", "bad", 4).await;
    assert!(message(&refused).ends_with("amount is 4"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn dependents_go_with_their_owners_though_nobody_converts() {
    let demos = Demos::start().await;
    let owner = demos.create("v1alpha1", "owner", 1).await;
    let mut child = demo("v1", "child", 1);
    child["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "conv.test/v1alpha1", "kind": "Demo", "name": "owner", "uid": owner["metadata"]["uid"],
    }]);
    demos
        .send(Method::POST, &path("v1", ""), Some(&child))
        .await;
    demos.fail();
    demos.send(Method::DELETE, &path("v1", "owner"), None).await;
    while demos.get("v1", "child").await["code"] != 404 {
        tokio::task::yield_now().await;
    }
}
