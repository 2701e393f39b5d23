//! What lifecycles tell on their objects: however large, however late, and beside what others tell there.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::cause::ChangingCause;
use kopfrs::handler::Invocation;
use kopfrs::lifecycle::{Applied, Verified};
use kopfrs::prelude::*;
use kopfrs_sandbox::fault::{Fault, On, Rule};

use crate::bench::{Bench, Demo, Status};
use crate::logs::Log;
use crate::verified::{Store, until_phase};

/// An object whose thing is there as soon as it is asked for, and that is told of with a payload.
fn prompt(payload: &Value) -> Registry {
    verified_by(on::verify::<Demo>(), payload)
}

fn verified_by(verifying: on::Builder<on::Verify>, payload: &Value) -> Registry {
    let store = Store::default();
    let (found, made, payload) = (store.clone(), store, payload.clone());
    let verify = move || {
        let verified = if found.size().is_some() {
            Verified::Ready
        } else {
            Verified::Missing
        };
        async move { verified }
    };
    let create = move || {
        made.change(|outside| outside.size = Some(1));
        let report = Applied::Succeeded.with_payload(payload.clone());
        async move { report }
    };
    Registry::new()
        .add(verifying.id("verify").run(verify))
        .add(on::create::<Demo>().id("create").run(create))
}

#[tokio::test(start_paused = true)]
async fn a_spec_and_a_payload_of_a_megabyte_stop_nothing() {
    for status in [Status::Open, Status::Plain] {
        let log = Log::start();
        let bench = Bench::new(status).await;
        let large = "x".repeat(900_000);
        let running = bench.start(prompt(&json!({ "report": large }))).await;
        let spec = json!({"size": 1, "password": "hunter22", "text": large});
        bench.create("a", spec).await;
        bench
            .until("the large one to be there", || async {
                let object = bench.get("a").await.unwrap();
                let noted = &object["metadata"]["annotations"]["kopfrs.dev/phase"];
                object["status"]["phase"] == "Succeeded" || noted == "Succeeded"
            })
            .await;
        running.stop().await;
        let object = bench.get("a").await.unwrap();
        let applied = &object["metadata"]["annotations"]["kopfrs.dev/last-applied-spec"];
        assert!(applied.is_null() && object["status"]["payload"].is_null());
        assert_eq!(log.count("too much to remember the spec"), 1);
        assert_eq!(log.count("the payload has 900013 bytes"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_told_while_the_api_was_away_is_written_when_it_is_back() {
    let bench = Bench::new(Status::Open).await;
    let rule = Rule::new(On::verb("patch").subresource("status"), Fault::status(500));
    // The phase `Creating` comes through; what creation has led to does not for a while.
    let rule = bench.sandbox.faults().inject(rule.skip(1).times(40));
    let running = bench.start(prompt(&json!("a text"))).await;
    bench.create("a", json!({"size": 1})).await;
    until_phase(&bench, "Succeeded").await;
    assert!(rule.hits() >= 2, "{}", rule.hits());
    assert_eq!(bench.get("a").await.unwrap()["status"]["payload"], "a text");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_kept_while_nobody_can_say_what_it_depends_on() {
    let bench = Bench::new(Status::Open).await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default"}});
    bench.sandbox.apply_yaml(&map.to_string()).await.unwrap();
    let depending = on::verify::<Demo>().depends::<ConfigMap, _, _>(|_: Arc<Demo>| ["m"]);
    let faults = bench.sandbox.faults();
    let writing = Rule::new(On::verb("patch").subresource("status"), Fault::status(500));
    // The phase `Creating` comes through; what creation has led to does not, nor what is asked for after that.
    let writing = faults.inject(writing.skip(1).times(7));
    let reading = Rule::new(On::verb("get").resource("configmaps"), Fault::status(503));
    let reading = faults.inject(reading.skip(1).times(7));
    let running = bench.start(verified_by(depending, &json!("a text"))).await;
    bench.create("a", json!({"size": 1})).await;
    until_phase(&bench, "Succeeded").await;
    assert_eq!((writing.hits(), reading.hits()), (7, 7));
    assert_eq!(bench.get("a").await.unwrap()["status"]["payload"], "a text");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_payload_in_an_annotation_is_read_as_it_was_written() {
    for payload in [json!("a text"), json!({"a": [1, null]}), json!(7)] {
        let bench = Bench::new(Status::Plain).await;
        let running = bench.start(prompt(&payload)).await;
        bench.create("a", json!({"size": 1})).await;
        let key = "kopfrs.dev/payload";
        bench
            .until("the payload", || async {
                !bench.get("a").await.unwrap()["metadata"]["annotations"][key].is_null()
            })
            .await;
        running.stop().await;
        let object = bench.get("a").await.unwrap();
        let text = object["metadata"]["annotations"][key].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), payload);
    }
}

#[tokio::test(start_paused = true)]
async fn conditions_of_others_are_not_lost_though_they_come_meanwhile() {
    let bench = Bench::new(Status::Open).await;
    let others = |count: u64| {
        let conditions = (0..count).map(|n| json!({"type": format!("Other{n}"), "status": "True"}));
        json!({"status": {"conditions": conditions.collect::<Vec<_>>()}})
    };
    let api = bench.api();
    let meanwhile = {
        let api = api.clone();
        move |_: Arc<Invocation<ChangingCause>>| {
            let api = api.clone();
            async move {
                // Somebody adds a condition while the handler is at work.
                let patch = kube::api::Patch::Merge(others(2));
                api.patch_status("a", &kube::api::PatchParams::default(), &patch)
                    .await?;
                Ok::<_, HandlerError>(Verified::Ready)
            }
        }
    };
    bench.create("a", json!({"size": 1})).await;
    let patch = kube::api::Patch::Merge(others(1));
    let params = kube::api::PatchParams::default();
    api.patch_status("a", &params, &patch).await.unwrap();
    let verify = on::verify::<Demo>().id("verify").run(meanwhile);
    let running = bench.start(Registry::new().add(verify)).await;
    until_phase(&bench, "Succeeded").await;
    running.stop().await;
    let object = bench.get("a").await.unwrap();
    let conditions = object["status"]["conditions"].as_array().unwrap().iter();
    let kinds: Vec<_> = conditions
        .map(|one| one["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Other0", "Other1", "Ready"]);
}
