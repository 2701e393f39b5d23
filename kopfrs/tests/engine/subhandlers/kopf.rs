//! Objects whose sub-handlers were begun by Kopf, or are to be finished by it.

use kopfrs::prelude::*;
use kopfrs::storage::Persistence;

use super::{creation, parent};
use crate::bench::{Bench, Demo, Status};

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.persistence.default = Persistence::kopf();
    settings
}

async fn annotations(bench: &Bench) -> Value {
    bench.get("a").await.unwrap()["metadata"]["annotations"].clone()
}

fn record(annotations: &Value, key: &str) -> Value {
    let text = annotations[format!("kopf.zalando.org/{key}")].as_str();
    serde_json::from_str(text.unwrap_or("null")).unwrap()
}

async fn until_handled(bench: &Bench) {
    bench
        .until("the end", || async {
            let annotations = annotations(bench).await;
            let keys: Vec<_> = annotations.as_object().into_iter().flatten().collect();
            keys.len() == 1 && keys[0].0 == "kopf.zalando.org/last-handled-configuration"
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn records_are_what_kopf_writes_and_all_are_purged() {
    let bench = Bench::new(Status::Open).await;
    let running = bench.start_with(creation(&bench), settings()).await;
    let script = json!({"p/x": [{"later": 100}]});
    let spec = json!({"items": ["x", "y"], "nested": {"y": ["a"]}, "script": script});
    bench.create("a", spec).await;
    bench
        .until("progress", || async {
            !record(&annotations(&bench).await, "p").is_null()
        })
        .await;
    let stored = annotations(&bench).await;
    let own = record(&stored, "p");
    assert_eq!(own["subrefs"], json!(["p/x", "p/y", "p/y/a"]));
    assert_eq!(
        (&own["success"], &own["failure"], &own["retries"]),
        (&json!(false), &json!(false), &json!(1))
    );
    assert_eq!(record(&stored, "p.y")["subrefs"], json!(["p/y/a"]));
    assert_eq!(record(&stored, "p.y.a")["success"], true);
    assert_eq!(record(&stored, "p.x")["message"], "later");
    assert_eq!(record(&stored, "p.x")["delayed"], own["delayed"]);
    until_handled(&bench).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_kopf_has_begun_is_finished() {
    let bench = Bench::new(Status::Open).await;
    bench.create("a", json!({"items": ["x", "y"]})).await;
    let at = "2020-01-01T00:00:00.000000+00:00";
    let p = json!({
        "started": at, "delayed": at, "purpose": "create", "retries": 1,
        "success": false, "failure": false, "message": "", "subrefs": ["p/x", "p/y"],
    });
    let x = json!({
        "started": at, "stopped": at, "purpose": "create", "retries": 1,
        "success": true, "failure": false,
    });
    let y = json!({
        "started": at, "delayed": at, "stopped": null, "purpose": "create", "retries": 2,
        "success": false, "failure": false, "message": "later", "subrefs": null,
    });
    let written = json!({"metadata": {"annotations": {
        "kopf.zalando.org/p": p.to_string(),
        "kopf.zalando.org/p.x": x.to_string(),
        "kopf.zalando.org/p.y": y.to_string(),
    }}});
    bench.merge("a", written).await;
    let running = bench.start_with(creation(&bench), settings()).await;
    until_handled(&bench).await;
    running.stop().await;
    assert_eq!(bench.calls.names(), ["p/1", "p/y/2", "z/0"]);
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_too_long_for_keys_are_told_apart() {
    let bench = Bench::new(Status::Open).await;
    let create = on::create::<Demo>().id("p").run(parent(&bench));
    let running = bench
        .start_with(Registry::new().add(create), settings())
        .await;
    let (one, other) = ("x".repeat(70) + "1", "x".repeat(70) + "2");
    let script =
        json!({format!("p/{one}"): [{"later": 50}], format!("p/{other}"): [{"later": 60}]});
    bench
        .create("a", json!({"items": [one, other], "script": script}))
        .await;
    bench.until_calls(3).await;
    bench
        .until("progress", || async {
            annotations(&bench)
                .await
                .as_object()
                .map_or(0, serde_json::Map::len)
                >= 3
        })
        .await;
    for key in annotations(&bench).await.as_object().unwrap().keys() {
        assert!(key.split('/').nth(1).unwrap().len() <= 63, "{key}");
    }
    running.stop().await;
    let create = on::create::<Demo>().id("p").run(parent(&bench));
    let running = bench
        .start_with(Registry::new().add(create), settings())
        .await;
    until_handled(&bench).await;
    running.stop().await;
    assert_eq!(bench.calls.names().len(), 7, "{:?}", bench.calls.names());
}
