//! Webhooks that cannot be asked, or answer nonsense.

use http::Method;
use kopfrs_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::demos::{Demos, definition, good, message, path};

#[tokio::test(start_paused = true)]
async fn what_the_webhook_says_is_told_to_the_client() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    let before = "conversion webhook for conv.test/v1, Kind=Demo";
    let rows = [
        (
            json!({"result": {"status": "Failure", "message": "I will not"}}),
            " failed: I will not",
        ),
        (
            json!({"result": {"status": "Failure"}}),
            " failed: response.result.status was 'Failure', not 'Success'",
        ),
        (
            json!({"result": {"status": "Success"}}),
            " returned 0 objects, expected 1",
        ),
        (
            json!({"uid": 7}),
            " failed: json: cannot unmarshal number into Go struct field ConversionReview.response.uid of type types.UID",
        ),
    ];
    for (answer, expected) in rows {
        demos.instead(move |_| answer.clone());
        let refused = demos.get("v1alpha1", "a").await;
        assert_eq!(message(&refused), format!("{before}{expected}"));
        assert_eq!(
            (refused["code"].as_u64(), &refused["reason"]),
            (Some(500), &Value::Null)
        );
    }
    demos.instead(|request| {
        let mut answer = good(request);
        answer["uid"] = json!("x");
        answer
    });
    let refused = demos.get("v1alpha1", "a").await;
    let why = message(&refused);
    assert!(
        why.ends_with(", got \"x\"") && why.contains(" failed: expected response.uid="),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn writes_are_refused_in_other_versions_alone() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    demos.fail();
    let from = |version: &str| {
        format!("conversion webhook for conv.test/{version}, Kind=Demo failed: I will not")
    };
    let created = demos.create("v1alpha1", "b", 1).await;
    assert_eq!(message(&created), from("v1alpha1"));
    let deleted = demos
        .send(Method::DELETE, &path("v1alpha1", "a"), None)
        .await;
    assert_eq!(message(&deleted), from("v1"));
    let listed = demos.send(Method::GET, &path("v1beta1", ""), None).await;
    assert_eq!(message(&listed), from("v1"));
    assert_eq!(demos.get("v1", "b").await["code"], 404);
    let patched = demos.patch("v1", "a", &json!({"spec": {"size": 2}})).await;
    assert_eq!(patched["spec"]["size"], 2);
    let deleted = demos.send(Method::DELETE, &path("v1", "a"), None).await;
    assert_eq!(deleted["status"], "Success");
}

#[tokio::test(start_paused = true)]
async fn one_wrong_object_of_several_is_named() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    demos.create("v1", "b", 1).await;
    demos.instead(|request| {
        let mut answer = good(request);
        answer["convertedObjects"]
            .as_array_mut()
            .expect("objects")
            .swap(0, 1);
        answer
    });
    let listed = demos.send(Method::GET, &path("v1beta1", ""), None).await;
    assert_eq!(
        message(&listed),
        "conversion webhook for conv.test/v1, Kind=Demo returned invalid converted object at index 0: \
         must have the same name: a != b"
    );
}

/// What a read tells when the webhook is to be found here.
async fn told(client: Value) -> String {
    let sandbox = Sandbox::new();
    let text = definition("v1", &client).to_string();
    sandbox.apply_yaml(&text).await.expect("a definition");
    let demo = crate::demos::demo("v1", "a", 1).to_string();
    sandbox.apply_yaml(&demo).await.expect("a demo");
    let request = http::Request::get(path("v1alpha1", "a")).body(Vec::new());
    let read = sandbox
        .client()
        .request::<Value>(request.expect("a request"))
        .await;
    match read {
        Err(kube::Error::Api(status)) => status.message.clone(),
        other => panic!("it cannot be read: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn webhooks_that_cannot_be_reached_are_named() {
    let rows = [
        (
            json!({"url": "https://127.0.0.1:1/x"}),
            "Post \"https://127.0.0.1:1/x?timeout=30s\": dial tcp 127.0.0.1:1: connect: connection refused",
        ),
        (
            json!({"service": {"namespace": "shop", "name": "hooks", "path": "/convert"}}),
            "Post \"https://hooks.shop.svc:443/convert?timeout=30s\": service \"hooks\" not found",
        ),
    ];
    for (client, expected) in rows {
        let why = told(client).await;
        let before = "conversion webhook for conv.test/v1, Kind=Demo failed: ";
        assert!(why.starts_with(&format!("{before}{expected}")), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_webhook_keeps_nobody_else_waiting() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    demos.instead(|request| {
        let mut answer = good(request);
        answer["delay"] = json!(60);
        answer
    });
    let others = async {
        while demos.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        for name in ["b", "c"] {
            assert_eq!(demos.create("v1", name, 1).await["spec"]["size"], 1);
            let text = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}");
            demos.sandbox.apply_yaml(&text).await.expect("a map");
        }
    };
    tokio::select! {
        biased;
        answer = demos.get("v1alpha1", "a") => panic!("it has not waited: {answer}"),
        () = others => {}
    }
}
