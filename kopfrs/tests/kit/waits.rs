//! Waiting for what comes, and for nothing to come any more.

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::testing::{CallEnd, Cluster};
use tokio::time::Instant;

use crate::subject::{Gauge, failing, gauge, showing};

#[kopfrs::test]
async fn objects_typed_and_not_are_awaited(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let operator = cluster.operator().handlers(showing()).start().await;
    let gauges = cluster.objects::<Gauge>();
    gauges.create(&gauge("a", 1)).await;
    let shown = |size| move |gauge: &Gauge| gauge.status.as_ref().is_some_and(|s| s.size == size);
    gauges.until("a", shown(1)).await;

    let values = cluster.kind("gauges.kit.example.com").await;
    values.merge("a", json!({"spec": {"size": 2}})).await;
    let object = values
        .until("a", |object| object["status"]["size"] == 2)
        .await;
    assert_eq!(object["metadata"]["namespace"], cluster.namespace());
    operator.until_settled().await;
    values.delete("a").await;
    values.until_gone("a").await;
    assert_eq!(
        operator.calls().of("a").ids(),
        ["create", "update", "delete"]
    );
    assert!(gauges.find("a").await.is_none() && gauges.list().await.is_empty());
    operator.stop().await;
}

#[kopfrs::test]
async fn yaml_is_applied_with_its_definition_and_again(cluster: Cluster) {
    let definition = serde_json::to_string(&<Gauge as kube::CustomResourceExt>::crd()).unwrap();
    let gauge = "
apiVersion: kit.example.com/v1
kind: Gauge
metadata: {name: a}
spec: {size: 1}
";
    let applied = cluster
        .apply(&format!("{definition}\n---{gauge}---\n"))
        .await;
    assert_eq!(applied[1]["spec"]["size"], 1);
    let applied = cluster.apply(&gauge.replace("size: 1", "size: 2")).await;
    assert_eq!(applied[0]["spec"]["size"], 2);
    let other = cluster.another_namespace("other").await;
    let gauges = cluster.objects::<Gauge>().in_namespace(&other);
    assert_eq!(
        gauges
            .create_from("{metadata: {name: b}, spec: {size: 3}}")
            .await
            .spec
            .size,
        3
    );
    assert!(cluster.objects::<Gauge>().find("b").await.is_none());
}

#[kopfrs::test]
async fn calls_tell_what_came_of_them(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let by_retry = |call: Arc<Invocation<ChangingCause>>| {
        std::future::ready(match call.attempt.retry {
            0 => Err(HandlerError::from(TemporaryError::after_secs("soon", 1))),
            _ => Ok(json!({"done": true})),
        })
    };
    let handlers = Registry::new().add(on::create::<Gauge>().id("create").run(by_retry));
    let operator = cluster.operator().handlers(handlers).start().await;
    cluster.objects().create(&gauge("a", 1)).await;
    let call = operator.until_succeeded("create").await;
    assert_eq!(
        (call.retry, &call.end),
        (1, &CallEnd::Returned(json!({"done": true})))
    );
    let calls = operator.until_calls("two", |calls| calls.len() == 2).await;
    assert_eq!(
        calls[0].to_string(),
        format!(
            "create of {}/a, attempt 0: failed (Temporary(1s)): soon",
            cluster.namespace()
        )
    );
    assert_eq!((calls.failed().len(), calls.succeeded().len()), (1, 1));
}

#[kopfrs::test]
async fn an_operator_is_settled_when_nothing_is_left_to_be_done(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let unwanted = on::create::<Gauge>()
        .id("unwanted")
        .label("wanted", kopfrs::filter::ABSENT);
    let slow = on::create::<Gauge>().id("slow").retries(2).run(
        |call: Arc<Invocation<ChangingCause>>| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match call.attempt.retry {
                0 => Err(TemporaryError::after_secs("later", 2)),
                _ => Ok(()),
            }
        },
    );
    let handlers = Registry::new().add(unwanted.run(async || {})).add(slow);
    let operator = cluster.operator().handlers(handlers).start().await;
    operator.until_settled().await;
    let labelled = "{metadata: {name: a, labels: {wanted: 'yes'}}, spec: {size: 1}}";
    for _ in 0..3 {
        let gauges = cluster.objects::<Gauge>();
        gauges.create_from(labelled).await;
        operator.until_settled().await;
        // Nothing is waited for here: it has all been done, and the other handler was not called.
        let calls = operator.calls().of("a");
        assert_eq!(calls.ids().len() % 2, 0, "{calls:?}");
        assert!(calls.handler("unwanted").is_empty());
        assert_eq!(
            calls.last().map(|call| &call.end),
            Some(&CallEnd::Returned(Value::Null))
        );
        gauges.delete("a").await;
        gauges.until_gone("a").await;
    }
    assert_eq!(operator.calls().handler("slow").len(), 6);
}

#[kopfrs::test(time = "paused")]
async fn time_passes_at_once(cluster: Cluster) {
    cluster.install::<Gauge>().await;
    let operator = cluster.operator().handlers(failing()).start().await;
    cluster.objects().create(&gauge("a", 1)).await;
    let (virtual_time, real_time) = (Instant::now(), std::time::Instant::now());
    operator
        .until_calls("of twenty minutes", |calls| calls.len() > 20)
        .await;
    assert!(virtual_time.elapsed() >= Duration::from_secs(20 * 60));
    assert!(real_time.elapsed() < Duration::from_secs(60));
}
