//! The examples after Kopf's, on the kind and the object that they share.

use k8s_openapi::api::core::v1::{Event, Pod};
use kopfrs::testing::{Cluster, Objects};
use serde_json::{Value, json};

use crate::{handlers_of, stop};

pub(super) const OBJECT: &str = include_str!("../../manifests/obj.yaml");
pub(super) const NAME: &str = "kopf-example-1";

/// Installs the kind that the examples share.
pub(super) async fn kopf_examples(cluster: &Cluster) -> Objects<Value> {
    cluster
        .apply(include_str!("../../manifests/crd.yaml"))
        .await;
    cluster.kind("kopfexamples.kopf.dev").await
}

#[kopfrs::test]
async fn minimal(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let operator = cluster
        .operator()
        .handlers(handlers_of("minimal"))
        .start()
        .await;
    examples.create_from(OBJECT).await;
    let is_greeted =
        |object: &Value| object["status"]["create_fn"] == json!({"message": "hello world"});
    examples.until(NAME, is_greeted).await;
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    assert_eq!(operator.calls().ids(), ["create_fn"]);
    assert!(operator.log().contains("create_fn: And here we are!"));
}

#[kopfrs::test]
async fn exceptions(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let operator = cluster
        .operator()
        .handlers(handlers_of("exceptions"))
        .start()
        .await;
    examples.create_from(OBJECT).await;
    operator.until_settled().await;
    let calls = operator.calls();
    assert_eq!(calls.succeeded().ids(), ["eventual_success"]);
    for (handler, attempts) in [
        ("instant_failure", 1),
        ("eventual_success", 4),
        ("eventual_failure", 3),
        ("instant_failure_of_any_error", 1),
    ] {
        assert_eq!(
            calls.handler(handler).len(),
            attempts,
            "{handler} in {calls:?}"
        );
    }
    let log = operator.log();
    assert_eq!(
        log.count("create is handled: 1 succeeded, 3 failed"),
        1,
        "{log}"
    );
    assert_eq!(
        log.count("eventual_failure: create handler failed, next attempt in 1s"),
        2,
        "{log}"
    );
    stop(&operator).await;
}

#[kopfrs::test]
async fn posted_events(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let handlers = handlers_of("posted_events");
    let operator = cluster.operator().handlers(handlers).start().await;
    examples.create_from(OBJECT).await;
    operator.until_settled().await;
    let uid = examples.get(NAME).await["metadata"]["uid"].clone();
    let is_told = |event: &Event, reason: &str| {
        event.involved_object.uid.as_deref() == uid.as_str()
            && event.reason.as_deref() == Some(reason)
    };
    let events = cluster.objects::<Event>();
    // They are written in the background: at the latest when the operator ends.
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    let list = events.list().await;
    for (reason, severity, message) in [
        ("SomeReason", "Normal", "Some message"),
        ("SomeInfo", "Normal", "Some information"),
        ("SomeWarning", "Warning", "Some warning"),
        (
            "SomeError",
            "Warning",
            "Some failure: invalid digit found in string",
        ),
    ] {
        let told: Vec<_> = list.iter().filter(|event| is_told(event, reason)).collect();
        assert_eq!(told.len(), 1, "{reason} in {list:?}");
        assert_eq!(told[0].type_.as_deref(), Some(severity));
        assert_eq!(told[0].message.as_deref(), Some(message));
    }
    assert_eq!(operator.calls().succeeded().ids(), ["create_fn"]);
}

#[kopfrs::test]
async fn handlers(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let operator = cluster
        .operator()
        .handlers(handlers_of("handlers"))
        .start()
        .await;
    examples.create_from(OBJECT).await;
    operator.until_settled().await;
    examples
        .merge(NAME, json!({"spec": {"field": "other"}}))
        .await;
    operator.until_settled().await;
    stop(&operator).await;
    let log = operator.log();
    for line in [
        "CREATED 1st",
        "CREATED 2nd",
        r#"FIELD CHANGED: None -> Some("value")"#,
        r#"UPDATED: spec.field: "value" → "other""#,
        r#"FIELD CHANGED: Some("value") -> Some("other")"#,
    ] {
        assert_eq!(log.count(line), 1, "{line} in:\n{log}");
    }

    let operator = operator.start_again().await;
    operator.until_settled().await;
    assert_eq!(operator.calls().ids(), ["resume_fn_1", "resume_fn_2"]);
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    assert_eq!(operator.calls().ids()[2..], ["delete_fn_1", "delete_fn_2"]);
}

#[kopfrs::test]
async fn subhandlers(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let handlers = handlers_of("subhandlers");
    let operator = cluster.operator().handlers(handlers).start().await;
    examples.create_from(OBJECT).await;
    operator.until_settled().await;
    let is_handled = |object: &Value| {
        object["status"]["create_fn/item-item1"] == json!({"item": "item1"})
            && object["status"]["create_fn/item-item2"] == json!({"item": "item2"})
    };
    examples.until(NAME, is_handled).await;
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    let ids = ["create_fn", "create_fn/item-item1", "create_fn/item-item2"];
    assert_eq!(operator.calls().succeeded().ids(), ids);
    assert_eq!(operator.calls().len(), ids.len());
    let log = operator.log();
    assert_eq!(log.count("create is handled: 3 succeeded"), 1, "{log}");
}

#[kopfrs::test]
async fn children(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let pods = cluster.objects::<Pod>();
    let operator = cluster
        .operator()
        .handlers(handlers_of("children"))
        .start()
        .await;
    examples.create_from(OBJECT).await;
    operator.until_succeeded("create_fn").await;
    let [child] = &*pods.list().await else {
        panic!("there is one child");
    };
    let (name, meta) = (child.metadata.name.as_deref().unwrap(), &child.metadata);
    assert!(name.starts_with("kopf-example-1-"), "{name}");
    assert_eq!(meta.owner_references.as_ref().unwrap()[0].name, NAME);
    assert_eq!(meta.labels.as_ref().unwrap()["somelabel"], "somevalue");
    let (uid, of_child) = (meta.uid.clone(), name.to_owned());
    let knows = move |object: &Value| {
        object["status"]["create_fn"]["children"] == json!([uid])
            && object["status"]["pods"][&of_child] == "Pending"
    };
    examples.until(NAME, knows).await;

    // Where there is a kubelet, it does the same.
    pods.merge_status(name, json!({"status": {"phase": "Running"}}))
        .await;
    let is_running = |object: &Value| object["status"]["pods"][name] == "Running";
    examples.until(NAME, is_running).await;
    examples.delete(NAME).await;
    pods.until_gone(name).await;
    stop(&operator).await;
    assert_eq!(operator.calls().handler("create_fn").len(), 1);
    assert!(operator.calls().handler("child_event").failed().is_empty());
}

#[kopfrs::test]
async fn events(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let operator = cluster
        .operator()
        .handlers(handlers_of("events"))
        .start()
        .await;
    examples.create_from(OBJECT).await;
    operator.until_said("normal_event_fn: ADDED").await;
    examples.delete(NAME).await;
    operator.until_said("normal_event_fn: DELETED").await;
    operator.until_settled().await;
    stop(&operator).await;
    assert_eq!(operator.calls().succeeded().ids(), ["normal_event_fn"; 2]);
    assert_eq!(operator.calls().failed().ids(), ["event_fn_with_error"; 2]);
}

#[kopfrs::test]
async fn peering(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let operator = cluster
        .operator()
        .handlers(handlers_of("peering"))
        .start()
        .await;
    examples.create_from(OBJECT).await;
    operator.until_succeeded("create_fn").await;
    stop(&operator).await;
    assert_eq!(operator.calls().ids(), ["create_fn"]);
}

#[kopfrs::test]
async fn filtering_handlers(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let handlers = handlers_of("filtering_handlers");
    let operator = cluster.operator().handlers(handlers).start().await;
    examples.create_from(OBJECT).await;
    operator.until_settled().await;
    examples
        .merge(NAME, json!({"spec": {"field": "changed"}}))
        .await;
    operator.until_settled().await;
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    // The daemon goes along with them.
    let daemon = "field_has_the_value_for_a_while/spec.field";
    let calls = operator.calls().succeeded();
    assert_eq!(calls.handler(daemon).len(), 1, "{calls:?}");
    assert_eq!(
        calls.matching(|call| call.handler != daemon).ids(),
        [
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
        ]
    );
    assert!(
        operator
            .log()
            .contains("field_has_changed/spec.field: from value to changed")
    );
    assert!(operator.log().contains("no more: FILTERS_MISMATCH"));
}

#[kopfrs::test]
async fn hooks(cluster: Cluster) {
    let pods = cluster.objects::<Pod>();
    let operator = cluster
        .operator()
        .handlers(handlers_of("hooks"))
        .start()
        .await;
    for name in ["gone", "served"] {
        let pod = json!({
            "metadata": {"name": name},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10"}],
            },
        });
        pods.create_from(&pod.to_string()).await;
        operator
            .until_said(&format!("{name} is served by a task of its own"))
            .await;
    }
    pods.delete("gone").await;
    pods.until_gone("gone").await;
    operator.until_settled().await;
    stop(&operator).await;
    let (calls, log) = (operator.calls(), operator.log());
    for (handler, attempts) in [
        ("startup_fn_simple", 1),
        ("startup_fn_retried", 4),
        ("login_fn", 1),
        ("cleanup_fn", 1),
    ] {
        assert_eq!(
            calls.handler(handler).len(),
            attempts,
            "{handler} in {calls:?}"
        );
    }
    assert_eq!(
        log.count("startup_fn_retried: startup handler failed, next attempt in 1s"),
        3
    );
    assert_eq!(log.count("served is served no more"), 1, "{log}");
    assert_eq!(log.count("cleanup_fn: all tasks have ended: 1"), 1, "{log}");
}

// One of them blocks its thread: paused time would wait for it.
#[kopfrs::test]
async fn admission(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let operator = cluster
        .operator()
        .handlers(handlers_of("admission"))
        .webhooks()
        .start()
        .await;
    let made = examples.create_from(OBJECT).await;
    assert_eq!(made["spec"]["injected"], 123);
    let path = format!(
        "/apis/kopf.dev/v1/namespaces/{}/kopfexamples/{NAME}",
        cluster.namespace()
    );
    for (value, code) in [("wrong", 500), ("not-allowed", 555)] {
        let patch = json!({"spec": {"field": value}}).to_string().into_bytes();
        let request = http::Request::patch(&path);
        let request = request.header("content-type", "application/merge-patch+json");
        let request = request.body(patch).unwrap();
        let refused: Result<Value, _> = cluster.client().request(request).await;
        assert!(
            matches!(&refused, Err(kube::Error::Api(status)) if status.code == code),
            "{refused:?}"
        );
    }
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    let calls = operator.calls();
    for (handler, count) in [("authhook", 4), ("validate3", 4), ("mutate1", 3)] {
        assert_eq!(
            calls.handler(handler).len(),
            count,
            "{handler} in {calls:?}"
        );
    }
    assert_eq!(calls.failed().len(), 2);
}
