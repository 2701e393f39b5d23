//! Definitions whose schemas, patterns and rules are bombs.

use http::Method;
use kube::Client;
use serde_json::{Value, json};

use crate::subject::{Answer, get, sandbox, write};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const THINGS: &str = "/apis/hostile.io/v1/namespaces/default/things";

/// Creates the definition of things with this schema of the spec.
async fn define(client: &Client, spec: &Value) -> Answer {
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.hostile.io"},
        "spec": {
            "group": "hostile.io",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    });
    let body = definition.to_string();
    write(
        client,
        (Method::POST, DEFINITIONS),
        "application/json",
        body,
    )
    .await
}

/// Whether a thing with this spec is taken, once the definition is served.
async fn create(client: &Client, spec: &Value) -> Answer {
    let thing = json!({
        "apiVersion": "hostile.io/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec,
    });
    loop {
        let body = thing.to_string();
        let answer = write(client, (Method::POST, THINGS), "application/json", body).await;
        // Not served yet.
        if answer.0 != 404 {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn patterns_take_no_longer_than_the_text_is_long() {
    for (pattern, text, code) in [
        ("^(a+)+$", "a".repeat(50_000) + "!", 422),
        ("^(a|a)*$", "a".repeat(50_000) + "!", 422),
        ("^(.*)(.*)(.*)(.*)(.*)(.*)x$", "y".repeat(5_000), 422),
        ("^[a-z]{0,63}$", "abc".to_owned(), 201),
    ] {
        let sandbox = sandbox().await;
        let client = sandbox.client();
        let schema = json!({"type": "string", "pattern": pattern});
        assert_eq!(define(&client, &schema).await.0, 201, "{pattern}");
        let answer = create(&client, &json!(text)).await;
        assert_eq!(answer.0, code, "{pattern} {:.200}", answer.1);
    }
}

#[tokio::test(start_paused = true)]
async fn patterns_that_are_too_large_or_too_deep_are_no_patterns() {
    let (open, close) = ("(".repeat(5_000), ")".repeat(5_000));
    let deep = format!("{open}a{close}");
    for pattern in [
        "((a{1000}){1000}){1000}",
        &deep,
        "(",
        "[z-a]",
        "a{99999999999}",
    ] {
        let sandbox = sandbox().await;
        let schema = json!({"type": "string", "pattern": pattern});
        let answer = define(&sandbox.client(), &schema).await;
        assert_eq!(answer.0, 422, "{pattern:.40} {:.200}", answer.1);
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_are_too_deep_or_broken_are_refused() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{}true{}", open.repeat(depth), close.repeat(depth))
    };
    for rule in [
        nested("(", ")", 10_000),
        nested("!", "", 100_000),
        nested("[", "]", 10_000) + " == []",
        format!("self{} == 1", ".a".repeat(50_000)),
        format!("1{} == 1", "+1".repeat(20_000)),
        format!("{}true", "true ? true : ".repeat(10_000)),
        format!("self.all(a, {}", "self.all(b, ".repeat(5_000)),
        "self.size() >".to_owned(),
        "\0".to_owned(),
        String::new(),
    ] {
        let sandbox = sandbox().await;
        let schema = json!({
            "type": "array", "items": {"type": "integer"},
            "x-kubernetes-validations": [{"rule": rule, "message": "no"}],
        });
        let answer = define(&sandbox.client(), &schema).await;
        let shown = &rule[..rule.len().min(60)];
        assert_eq!(answer.0, 422, "{shown} {:.300}", answer.1);
        let ready = get(&sandbox.client(), "/readyz").await;
        assert_eq!(ready, Answer(200, "ok".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn schemas_are_as_deep_as_json_may_be_and_no_deeper() {
    let nested = |depth: usize| {
        let mut schema = json!({"type": "string"});
        for _ in 0..depth {
            schema = json!({"type": "object", "properties": {"a": schema}});
        }
        schema
    };
    let mut value = json!("x");
    for _ in 0..50 {
        value = json!({"a": value});
    }
    let sandbox = sandbox().await;
    let client = sandbox.client();
    assert_eq!(define(&client, &nested(100)).await.0, 400);
    assert_eq!(define(&client, &nested(50)).await.0, 201);
    assert_eq!(create(&client, &value).await.0, 201);
}

#[tokio::test(start_paused = true)]
async fn large_definitions_are_served_like_small_ones() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let property = |number: usize| {
        let schema =
            json!({"type": "string", "description": "d".repeat(400), "pattern": "^[a-z]*$"});
        (format!("field{number}"), schema)
    };
    let properties: serde_json::Map<_, _> = (0..2_000).map(property).collect();
    let schema = json!({"type": "object", "properties": properties});
    assert_eq!(define(&client, &schema).await.0, 201);
    assert_eq!(create(&client, &json!({"field7": "abc"})).await.0, 201);
    assert_eq!(create(&client, &json!({"field7": "ABC"})).await.0, 422);
}

#[tokio::test(start_paused = true)]
async fn rules_that_are_as_deep_as_may_be_are_evaluated() {
    for rule in [
        format!("1{} == 191", " + 1".repeat(190)),
        format!("{}true{}", "(".repeat(90), ")".repeat(90)),
        format!("true{}", " && true".repeat(190)),
        format!("false{} || true", " || false".repeat(190)),
        format!("{}true", "false ? false : ".repeat(80)),
        format!("self.all(a, a == 1{})", " || a == 1".repeat(190)),
    ] {
        let sandbox = sandbox().await;
        let client = sandbox.client();
        let schema = json!({
            "type": "array", "items": {"type": "integer"},
            "x-kubernetes-validations": [{"rule": rule, "message": "no"}],
        });
        let answer = define(&client, &schema).await;
        assert_eq!(answer.0, 201, "{rule:.60} {:.300}", answer.1);
        let answer = create(&client, &json!([1])).await;
        assert_eq!(answer.0, 201, "{rule:.60} {:.300}", answer.1);
    }
}
