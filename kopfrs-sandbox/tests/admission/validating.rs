//! Webhooks that judge what is written.

use http::Method;
use kopfrs_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::{
    answering::{configure, create, hook, map, maps, message, send},
    server::Webhooks,
};

/// Refuses what carries the label.
fn unlabeled(_: &str, request: &Value) -> Value {
    let labels = |object: &str| request[object]["metadata"]["labels"]["bad"].is_string();
    json!({
        "allowed": !labels("object") && !labels("oldObject"),
        "status": {"code": 418, "reason": "Teapot", "message": "no bad things"},
        "warnings": ["watch out"],
    })
}

#[tokio::test(start_paused = true)]
async fn denials_carry_what_the_webhook_said() {
    let webhooks = Webhooks::start("127.0.0.1", unlabeled).await;
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    configure(
        &sandbox,
        "Validating",
        "judge",
        &[hook("a.b.c", &webhooks.at("/"))],
    )
    .await;
    create(&client, &map("good")).await;
    let mut bad = map("bad");
    bad["metadata"]["labels"] = json!({"bad": "yes"});
    let refused = create(&client, &bad).await;
    assert_eq!(
        (&refused["code"], &refused["reason"]),
        (&json!(418), &json!("Teapot"))
    );
    assert_eq!(
        message(&refused),
        "admission webhook \"a.b.c\" denied the request: no bad things"
    );
    let path = maps() + "/good";
    let label = json!({"metadata": {"labels": {"bad": "yes"}}});
    let refused = send(&client, Method::PATCH, &path, Some(&label)).await;
    assert_eq!(refused["code"], 418);
    let operations: Vec<Value> = webhooks
        .take()
        .into_iter()
        .map(|(_, request)| request["operation"].clone())
        .collect();
    assert_eq!(operations, ["CREATE", "CREATE", "UPDATE"]);
}

#[tokio::test(start_paused = true)]
async fn every_object_of_a_collection_is_asked_about() {
    let webhooks = Webhooks::start("127.0.0.1", |_, _| json!({"allowed": true})).await;
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    for name in ["a", "b"] {
        create(&client, &map(name)).await;
    }
    configure(
        &sandbox,
        "Validating",
        "judge",
        &[hook("a.b.c", &webhooks.at("/"))],
    )
    .await;
    send(&client, Method::DELETE, &maps(), None).await;
    let seen = webhooks.take();
    let names: Vec<&Value> = seen
        .iter()
        .map(|(_, request)| &request["oldObject"]["metadata"]["name"])
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(seen.iter().all(|(_, request)| request["object"].is_null()
        && request.get("name").is_none()
        && request["operation"] == "DELETE"));
}

#[tokio::test(start_paused = true)]
async fn connections_are_kept() {
    let webhooks = Webhooks::start("127.0.0.1", |_, _| json!({"allowed": true})).await;
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    configure(
        &sandbox,
        "Validating",
        "judge",
        &[hook("a.b.c", &webhooks.at("/"))],
    )
    .await;
    for name in ["a", "b", "c"] {
        create(&client, &map(name)).await;
    }
    assert_eq!((webhooks.take().len(), webhooks.connections()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn collected_dependents_wait_for_webhooks_to_let_them_go() {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };
    let open = Arc::new(AtomicBool::new(false));
    let gate = open.clone();
    let answer = move |_: &str, _: &Value| json!({"allowed": gate.load(Ordering::Relaxed)});
    let webhooks = Webhooks::start("127.0.0.1", answer).await;
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let owner = create(&client, &map("owner")).await;
    let mut dependent = map("dependent");
    dependent["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
    }]);
    create(&client, &dependent).await;
    let mut only = hook("a.b.c", &webhooks.at("/"));
    only["matchConditions"] = json!([{
        "name": "controllers", "expression": "request.userInfo.username.startsWith('system:serviceaccount:')",
    }]);
    configure(&sandbox, "Validating", "judge", &[only]).await;
    send(&client, Method::DELETE, &(maps() + "/owner"), None).await;
    let second = std::time::Duration::from_secs(1);
    // Refused, and refused again.
    let mut refusals = 0;
    while refusals < 2 {
        tokio::time::sleep(second).await;
        refusals += webhooks.take().len();
    }
    let path = maps() + "/dependent";
    assert_eq!(
        send(&client, Method::GET, &path, None).await["kind"],
        "ConfigMap"
    );
    open.store(true, Ordering::Relaxed);
    while send(&client, Method::GET, &path, None).await["kind"] == "ConfigMap" {
        tokio::time::sleep(second).await;
    }
}
