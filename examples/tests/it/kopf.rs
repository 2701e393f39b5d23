//! The examples after Kopf's, on the kind and the object that they share.

use k8s_openapi::api::core::v1::Pod;
use kopfrs_tests::backend::Cluster;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::program::until;
use crate::stage::{Stage, kind};

/// A stage for the examples that share one kind.
async fn kopf_stage() -> Stage {
    let definition = include_str!("../../manifests/crd.yaml");
    Stage::new(definition, &kind("kopf.dev", "KopfExample")).await
}

const OBJECT: &str = include_str!("../../manifests/obj.yaml");
const NAME: &str = "kopf-example-1";

#[test]
fn minimal() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let program = stage.start(env!("CARGO_BIN_EXE_01-minimal"));
        program.until("watching kopfexamples", 1).await;
        stage.create(OBJECT).await;
        program.until("create handler succeeded", 1).await;
        until("the result in the status", || async {
            let object = stage.get(NAME).await.unwrap();
            object["status"]["create_fn"] == json!({"message": "hello world"})
        })
        .await;
        stage.delete(NAME).await;
        let log = program.stop().await;
        log.assert_once("create_fn: And here we are!");
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

#[test]
fn exceptions() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let program = stage.start(env!("CARGO_BIN_EXE_03-exceptions"));
        program.until("watching kopfexamples", 1).await;
        stage.create(OBJECT).await;
        program
            .until("create is handled: 1 succeeded, 3 failed", 1)
            .await;
        stage.delete(NAME).await;
        let log = program.stop().await;
        log.assert_once("instant_failure: create handler failed for good");
        log.assert_once("eventual_success: create handler succeeded");
        log.assert_count(
            "eventual_failure: create handler failed, next attempt in 1s",
            2,
        );
        log.assert_once("eventual_failure: create handler failed for good");
        log.assert_once("instant_failure_of_any_error: create handler failed for good");
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

#[test]
fn handlers() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let program = stage.start(env!("CARGO_BIN_EXE_05-handlers"));
        program.until("watching kopfexamples", 1).await;
        stage.create(OBJECT).await;
        program.until("create is handled: 3 succeeded", 1).await;
        stage.merge(NAME, json!({"spec": {"field": "other"}})).await;
        program.until("update is handled: 2 succeeded", 1).await;
        let log = program.stop().await;
        log.assert_once("CREATED 1st");
        log.assert_once("CREATED 2nd");
        log.assert_once(r#"FIELD CHANGED: None -> Some("value")"#);
        log.assert_once(r#"UPDATED: spec.field: "value" → "other""#);
        log.assert_once(r#"FIELD CHANGED: Some("value") -> Some("other")"#);
        log.assert_count("RESUMED", 0);
        log.assert_calm();

        let program = stage.start(env!("CARGO_BIN_EXE_05-handlers"));
        program.until("resume is handled: 2 succeeded", 1).await;
        stage.delete(NAME).await;
        let log = program.stop().await;
        for line in ["RESUMED 1st", "RESUMED 2nd", "DELETED 1st", "DELETED 2nd"] {
            log.assert_once(line);
        }
        log.assert_count("CREATED", 0);
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

#[test]
fn children() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let pods: Api<Pod> = Api::namespaced(stage.cluster.client(), stage.namespace.name());
        let program = stage.start(env!("CARGO_BIN_EXE_02-children"));
        program.until("watching kopfexamples", 1).await;
        program.until("watching pods", 1).await;
        stage.create(OBJECT).await;
        program
            .until("create_fn: create handler succeeded", 1)
            .await;
        let children = pods.list(&ListParams::default()).await.unwrap().items;
        let [pod] = &*children else {
            panic!("there is one child, not {}", children.len());
        };
        let (name, meta) = (pod.metadata.name.as_deref().unwrap(), &pod.metadata);
        assert!(name.starts_with("kopf-example-1-"), "{name}");
        assert_eq!(meta.owner_references.as_ref().unwrap()[0].name, NAME);
        assert_eq!(meta.labels.as_ref().unwrap()["somelabel"], "somevalue");
        until("the child in the status", || async {
            let object = stage.get(NAME).await.unwrap();
            object["status"]["create_fn"]["children"] == json!([meta.uid])
                && object["status"]["pods"][name] == "Pending"
        })
        .await;

        // Where there is a kubelet, it does the same.
        let running = Patch::Merge(json!({"status": {"phase": "Running"}}));
        let parameters = PatchParams::default();
        pods.patch_status(name, &parameters, &running)
            .await
            .unwrap();
        until("the phase of the child in the status", || async {
            stage.get(NAME).await.unwrap()["status"]["pods"][name] == "Running"
        })
        .await;
        stage.delete(NAME).await;
        until("the end of the child", || async {
            pods.get_opt(name).await.unwrap().is_none()
        })
        .await;
        let log = program.stop().await;
        log.assert_once("create_fn: create handler succeeded");
        log.assert_count("child_event: event handler failed", 0);
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

#[test]
fn events() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let program = stage.start(env!("CARGO_BIN_EXE_08-events"));
        program.until("watching kopfexamples", 1).await;
        stage.create(OBJECT).await;
        program.until("normal_event_fn: ADDED", 1).await;
        stage.delete(NAME).await;
        program.until("normal_event_fn: DELETED", 1).await;
        program
            .until("normal_event_fn: event handler succeeded", 2)
            .await;
        let log = program.stop().await;
        log.assert_successes(&["normal_event_fn", "normal_event_fn"]);
        log.assert_count("event_fn_with_error: event handler failed, ignored", 2);
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

#[test]
fn filtering_handlers() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let program = stage.start(env!("CARGO_BIN_EXE_11-filtering-handlers"));
        program.until("watching kopfexamples", 1).await;
        stage.create(OBJECT).await;
        program.until("create is handled: 10 succeeded", 1).await;
        stage
            .merge(NAME, json!({"spec": {"field": "changed"}}))
            .await;
        program.until("update is handled: 2 succeeded", 1).await;
        stage.delete(NAME).await;
        let log = program.stop().await;
        log.assert_successes(&[
            "label_has_the_value",
            "label_is_present",
            "label_is_absent",
            "label_begins_with_some",
            "annotation_has_the_value",
            "annotation_is_not_there",
            "field_is_as_it_should",
            "field_is_present/spec.field",
            "field_has_the_value/spec.field",
            "another_field_is_absent/spec.otherfield",
            "field_has_changed/spec.field",
            "field_has_the_value_before_or_after/spec.field",
        ]);
        log.assert_once("field_has_changed/spec.field: from value to changed");
        log.assert_calm();
        stage.namespace.delete().await;
    });
}

#[test]
fn hooks() {
    Cluster::get().block_on(async {
        let stage = kopf_stage().await;
        let pods: Api<Pod> = Api::namespaced(stage.cluster.client(), stage.namespace.name());
        let program = stage.start(env!("CARGO_BIN_EXE_13-hooks"));
        program.until("watching pods", 1).await;
        for name in ["gone", "served"] {
            let pod = json!({
                "metadata": {"name": name},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10"}],
                },
            });
            let pod = serde_json::from_value(pod).unwrap();
            pods.create(&PostParams::default(), &pod).await.unwrap();
            let line = format!("{name} is served by a task of its own");
            program.until(&line, 1).await;
        }
        pods.delete("gone", &DeleteParams::default()).await.unwrap();
        until("the end of the pod", || async {
            pods.get_opt("gone").await.unwrap().is_none()
        })
        .await;
        let log = program.stop().await;
        log.assert_once("startup_fn_simple: startup handler succeeded");
        log.assert_count(
            "startup_fn_retried: startup handler failed, next attempt in 1s",
            3,
        );
        log.assert_once("startup_fn_retried: startup handler succeeded");
        log.assert_once("login_fn: login handler succeeded");
        log.assert_once("served is served no more");
        log.assert_once("cleanup_fn: all tasks have ended: 1");
        log.assert_once("cleanup_fn: cleanup handler succeeded");
        log.assert_calm();
        stage.namespace.delete().await;
    });
}
