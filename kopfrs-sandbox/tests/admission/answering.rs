//! What all tests do: configure webhooks, write things, send requests.

use http::{Method, Request};
use kopfrs_sandbox::Sandbox;
use kube::Client;
use serde_json::{Value, json};

pub(crate) const NAMESPACE: &str = "default";

/// A rule for one resource of the core group.
pub(crate) fn rule(resource: &str, operations: &[&str]) -> Value {
    json!({
        "apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": [resource],
    })
}

/// A webhook that is asked about configmaps.
pub(crate) fn hook(name: &str, client: &Value) -> Value {
    json!({
        "name": name, "clientConfig": client, "rules": [rule("configmaps", &["*"])],
        "sideEffects": "None", "admissionReviewVersions": ["v1"],
    })
}

/// Writes a configuration; `kind` is `Mutating` or `Validating`.
pub(crate) async fn configure(sandbox: &Sandbox, kind: &str, name: &str, hooks: &[Value]) {
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}WebhookConfiguration"),
        "metadata": {"name": name}, "webhooks": hooks,
    });
    let text = configuration.to_string();
    sandbox
        .apply_yaml(&text)
        .await
        .expect("a good configuration");
}

pub(crate) fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "v"}})
}

/// The path of the configmaps.
pub(crate) fn maps() -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/configmaps")
}

/// Sends a request; the answer is an object or a Status.
pub(crate) async fn send(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Value {
    let content_type = if method == Method::PATCH {
        "application/merge-patch+json"
    } else {
        "application/json"
    };
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, content_type)
        .body(body.into_bytes())
        .expect("a request");
    match client.request::<Value>(request).await {
        Ok(value) => value,
        Err(kube::Error::Api(status)) => serde_json::to_value(*status).expect("a status"),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn create(client: &Client, map: &Value) -> Value {
    send(client, Method::POST, &maps(), Some(map)).await
}

pub(crate) fn message(answer: &Value) -> &str {
    answer["message"].as_str().unwrap_or_default()
}
