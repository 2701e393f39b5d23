//! Patches that grow, dig, or make no sense.

use http::Method;
use serde_json::{Value, json};

use crate::subject::{Answer, MAPS, get, sandbox, write};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

async fn patch(client: &kube::Client, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let path = format!("{MAPS}/a?fieldManager=stranger");
    write(client, (Method::PATCH, &path), content_type, body).await
}

#[tokio::test]
async fn json_patches_have_the_limits_of_a_real_server() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let test = json!({"op": "test", "path": "/kind", "value": "ConfigMap"});
    let many = |number: usize| Value::from(vec![test.clone(); number]).to_string();
    assert_eq!(patch(&client, JSON, many(10_000)).await.0, 200);
    let refused = patch(&client, JSON, many(10_001)).await;
    let message = "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001";
    assert_eq!(refused, Answer(413, message.to_owned()));

    // Thirty doublings of a kilobyte.
    let mut bomb = vec![json!({"op": "add", "path": "/data/x", "value": "x".repeat(1000)})];
    for number in 0..30 {
        bomb.push(json!({"op": "copy", "from": "/data", "path": format!("/data/y{number}")}));
    }
    let refused = patch(&client, JSON, Value::from(bomb).to_string()).await;
    let message = "the server rejected our request due to an error in our request";
    assert_eq!(refused, Answer(422, message.to_owned()));
}

#[tokio::test]
async fn json_patches_dig_no_deeper_than_what_is_read() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let mut digging = vec![json!({"op": "add", "path": "/p", "value": {}})];
    for _ in 0..3_000 {
        digging.push(json!({"op": "add", "path": "/q", "value": {}}));
        digging.push(json!({"op": "move", "from": "/p", "path": "/q/p"}));
        digging.push(json!({"op": "move", "from": "/q", "path": "/p"}));
    }
    let refused = patch(&client, JSON, Value::from(digging).to_string()).await;
    assert_eq!(refused, Answer(400, "exceeded max depth".to_owned()));

    let mut stacking = Vec::new();
    let mut path = String::new();
    for _ in 0..300 {
        path += "/a";
        stacking.push(json!({"op": "add", "path": path, "value": {}}));
    }
    let refused = patch(&client, JSON, Value::from(stacking).to_string()).await;
    assert_eq!(refused, Answer(400, "exceeded max depth".to_owned()));
    let long = json!([{"op": "test", "path": "/a".repeat(1_000_000), "value": null}]);
    assert_eq!(patch(&client, JSON, long.to_string()).await.0, 422);
}

#[tokio::test]
async fn senseless_patches_are_refused_and_change_nothing() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let before = get(&client, &format!("{MAPS}/a")).await;
    let deep = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    let huge = "9".repeat(400);
    let index = format!(r#"[{{"op":"add","path":"/data/{huge}/x","value":1}}]"#);
    for (content_type, body, codes) in [
        (JSON, "{", 400..=400),
        (JSON, "{}", 400..=400),
        (JSON, "[1]", 400..=400),
        (JSON, "[[]]", 400..=400),
        (JSON, r#"[{"op":"add"}]"#, 400..=422),
        (JSON, r#"[{"op":"eat","path":"/data"}]"#, 400..=422),
        (JSON, r#"[{"op":"add","path":"data","value":1}]"#, 400..=422),
        (JSON, r#"[{"op":"remove","path":""}]"#, 400..=422),
        (JSON, r#"[{"op":"replace","path":"","value":7}]"#, 400..=422),
        (
            JSON,
            r#"[{"op":"copy","from":"/data","path":"/metadata"}]"#,
            400..=422,
        ),
        (JSON, r#"[{"op":"remove","path":"/metadata"}]"#, 400..=422),
        (
            JSON,
            r#"[{"op":"add","path":"/metadata/managedFields/-1","value":1}]"#,
            400..=422,
        ),
        (JSON, &index, 400..=422),
        (MERGE, "{", 400..=400),
        (MERGE, "[]", 400..=422),
        (MERGE, "7", 400..=422),
        (MERGE, r#"{"metadata":null}"#, 400..=422),
        (MERGE, r#"{"metadata":[]}"#, 400..=422),
        (MERGE, r#"{"data":[]}"#, 400..=422),
        (MERGE, &deep, 400..=400),
        (STRATEGIC, "[1]", 400..=400),
        (STRATEGIC, r#"{"$patch":"eat"}"#, 500..=500),
        (
            STRATEGIC,
            r#"{"metadata":{"finalizers":{"$patch":"x"}}}"#,
            200..=500,
        ),
        (
            STRATEGIC,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":7}}"#,
            200..=500,
        ),
        (
            STRATEGIC,
            r#"{"metadata":{"ownerReferences":[7]}}"#,
            200..=500,
        ),
        (STRATEGIC, &deep, 400..=400),
        (APPLY, "{[", 400..=400),
        (APPLY, "[]", 400..=422),
        (
            APPLY,
            "apiVersion: v1\nkind: ConfigMap\nmetadata: 7",
            400..=500,
        ),
        (
            APPLY,
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, managedFields: [{}]}",
            400..=422,
        ),
        (APPLY, &deep, 400..=400),
    ] {
        let answer = patch(&client, content_type, body).await;
        let shown = &body[..body.len().min(80)];
        assert!(
            codes.contains(&answer.0),
            "{content_type} {shown}: {answer:?}"
        );
        let after = get(&client, &format!("{MAPS}/a")).await;
        assert_eq!(after, before, "{content_type} {shown}");
    }
}
