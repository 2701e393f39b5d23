//! Configurations: what may be said in them, and what no webhook hears of.

use http::Method;
use kopfrs_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::{
    answering::{configure, hook, message, send},
    server::Webhooks,
};

const PATH: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

#[tokio::test(start_paused = true)]
async fn what_is_left_unsaid_has_defaults() {
    let sandbox = Sandbox::new();
    let service = json!({"service": {"namespace": "a", "name": "b"}});
    configure(&sandbox, "Validating", "judge", &[hook("a.b.c", &service)]).await;
    let path = format!("{PATH}/judge");
    let stored = send(&sandbox.client(), Method::GET, &path, None).await;
    let webhook = &stored["webhooks"][0];
    assert_eq!(webhook["failurePolicy"], "Fail");
    assert_eq!(webhook["matchPolicy"], "Equivalent");
    assert_eq!(webhook["timeoutSeconds"], 10);
    assert_eq!(webhook["namespaceSelector"], json!({}));
    assert_eq!(webhook["clientConfig"]["service"]["port"], 443);
    assert_eq!(webhook["rules"][0]["scope"], "*");
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_refused_field_by_field() {
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let url = json!({"url": "https://127.0.0.1:1/x"});
    let rows = [
        ("name", json!("short"), "webhooks[0].name"),
        ("sideEffects", json!("Some"), "webhooks[0].sideEffects"),
        ("timeoutSeconds", json!(31), "webhooks[0].timeoutSeconds"),
        (
            "clientConfig",
            json!({"url": "http://x/y"}),
            "webhooks[0].clientConfig.url",
        ),
        ("clientConfig", json!({}), "webhooks[0].clientConfig"),
        ("rules", json!([{}]), "webhooks[0].rules[0].operations"),
        (
            "matchConditions",
            json!([{"name": "a", "expression": "object."}]),
            "webhooks[0].matchConditions[0].expression",
        ),
    ];
    for (field, value, path) in rows {
        let mut webhook = hook("a.b.c", &url);
        webhook[field] = value;
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "judge"}, "webhooks": [webhook],
        });
        let refused = send(&client, Method::POST, PATH, Some(&configuration)).await;
        assert_eq!(refused["code"], 422, "{field}");
        assert!(message(&refused).contains(path), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_webhook_can_lock_everybody_out() {
    let webhooks = Webhooks::start("127.0.0.1", |_, _| json!({"allowed": false})).await;
    let sandbox = Sandbox::new();
    let mut all = hook("a.b.c", &webhooks.at("/"));
    all["rules"] = json!([{
        "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"],
    }]);
    configure(&sandbox, "Validating", "judge", &[all]).await;
    let path = format!("{PATH}/judge");
    let gone: Value = send(&sandbox.client(), Method::DELETE, &path, None).await;
    assert_eq!(gone["status"], "Success", "{gone}");
    assert!(webhooks.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn policies_are_not_accepted_in_silence() {
    let client = Sandbox::new().client();
    let path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"}, "spec": {},
    });
    let refused = send(&client, Method::POST, path, Some(&policy)).await;
    assert_eq!(refused["code"], 501);
    assert!(message(&refused).contains("use a webhook"), "{refused}");
}
