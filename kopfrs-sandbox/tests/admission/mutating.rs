//! Webhooks that change what is written.

use http::Method;
use kopfrs_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::{
    answering::{configure, create, hook, map, maps, message, send},
    server::{Webhooks, patched},
};

fn adds(key: &str) -> Value {
    patched(&json!([{"op": "add", "path": format!("/data/{key}"), "value": "hook"}]))
}

#[tokio::test(start_paused = true)]
async fn patches_reach_the_store_and_belong_to_nobody() {
    let webhooks = Webhooks::start("127.0.0.1", |_, _| adds("added")).await;
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    configure(
        &sandbox,
        "Mutating",
        "adds",
        &[hook("a.b.c", &webhooks.at("/"))],
    )
    .await;
    let created = create(&client, &map("one")).await;
    assert_eq!(created["data"], json!({"k": "v", "added": "hook"}));
    let path = maps() + "/one";
    let stored = send(&client, Method::GET, &path, None).await;
    assert_eq!(stored["data"], created["data"]);
    let owned = &stored["metadata"]["managedFields"][0]["fieldsV1"]["f:data"];
    assert!(
        owned.get("f:k").is_some() && owned.get("f:added").is_none(),
        "{owned}"
    );
    let patch = json!({"data": {"added": "mine"}});
    let patched = send(&client, Method::PATCH, &path, Some(&patch)).await;
    assert_eq!(patched["data"]["added"], "hook");
}

#[tokio::test(start_paused = true)]
async fn they_are_asked_in_order_and_again_when_outdated() {
    let webhooks = Webhooks::start("127.0.0.1", |path, _| adds(&path[1..])).await;
    let sandbox = Sandbox::new();
    let mut first = hook("first.b.c", &webhooks.at("/first"));
    first["reinvocationPolicy"] = json!("IfNeeded");
    configure(
        &sandbox,
        "Mutating",
        "b",
        &[hook("last.b.c", &webhooks.at("/last"))],
    )
    .await;
    let both = [first, hook("second.b.c", &webhooks.at("/second"))];
    configure(&sandbox, "Mutating", "a", &both).await;
    create(&sandbox.client(), &map("one")).await;
    let seen: Vec<(String, usize)> = webhooks
        .take()
        .into_iter()
        .map(|(path, request)| {
            let data = request["object"]["data"]
                .as_object()
                .map(serde_json::Map::len);
            (path, data.unwrap_or_default())
        })
        .collect();
    let expected = [("/first", 1), ("/second", 2), ("/last", 3), ("/first", 4)];
    assert_eq!(seen, expected.map(|(path, count)| (path.to_owned(), count)));
}

#[tokio::test(start_paused = true)]
async fn what_they_make_is_checked_like_what_clients_send() {
    let label = patched(&json!([{"op": "add", "path": "/metadata/labels", "value": {"a b": "c"}}]));
    let webhooks = Webhooks::start("127.0.0.1", move |_, _| label.clone()).await;
    let sandbox = Sandbox::new();
    configure(
        &sandbox,
        "Mutating",
        "labels",
        &[hook("a.b.c", &webhooks.at("/"))],
    )
    .await;
    let refused = create(&sandbox.client(), &map("one")).await;
    assert_eq!(refused["reason"], "Invalid");
    assert!(message(&refused).contains("metadata.labels"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn patches_that_do_not_apply_say_why() {
    let wrong = patched(&json!([{"op": "remove", "path": "/data/nothing"}]));
    let webhooks = Webhooks::start("127.0.0.1", move |_, _| wrong.clone()).await;
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    configure(
        &sandbox,
        "Mutating",
        "wrong",
        &[hook("a.b.c", &webhooks.at("/"))],
    )
    .await;
    let refused = create(&client, &map("one")).await;
    assert_eq!(refused["code"], 500);
    assert_eq!(
        message(&refused),
        "Internal error occurred: error in remove for path: '/data/nothing': Unable to remove nonexistent key: nothing: missing value"
    );
}

#[tokio::test(start_paused = true)]
async fn scales_are_shown_and_changed_as_scales() {
    let cap = patched(&json!([{"op": "replace", "path": "/spec/replicas", "value": 2}]));
    let webhooks = Webhooks::start("127.0.0.1", move |_, _| cap.clone()).await;
    let sandbox = Sandbox::new();
    let client = sandbox.client();
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
        }},
    });
    sandbox.apply_yaml(&set.to_string()).await.expect("a set");
    let mut caps = hook("a.b.c", &webhooks.at("/"));
    caps["rules"] = json!([{
        "apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["*/scale"],
    }]);
    configure(&sandbox, "Mutating", "caps", &[caps]).await;
    let path = "/apis/apps/v1/namespaces/default/statefulsets/s/scale";
    let wish = json!({"spec": {"replicas": 9}});
    let scale = send(&client, Method::PATCH, path, Some(&wish)).await;
    assert_eq!(scale["spec"]["replicas"], 2);
    let (_, request) = webhooks.take().remove(0);
    assert_eq!(request["kind"]["kind"], "Scale");
    assert_eq!(request["subResource"], "scale");
    assert_eq!(request["object"]["spec"]["replicas"], 9);
    assert_eq!(request["oldObject"]["spec"]["replicas"], 1);
}
