//! The examples of daemons and timers.

use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use crate::kopf::{NAME, OBJECT, kopf_examples};
use crate::{handlers_of, stop};

#[kopfrs::test(time = "real")]
async fn daemons(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let operator = cluster
        .operator()
        .handlers(handlers_of("daemons"))
        .start()
        .await;
    examples.create_from(OBJECT).await;
    operator.until_said("background_sync: => ping").await;
    operator.until_said("background_async: => ping").await;
    let has_failed = |object: &Value| object["status"]["message"] == "attempt 2 has failed";
    examples.until(NAME, has_failed).await;
    examples
        .merge(NAME, json!({"spec": {"field": "other"}}))
        .await;
    operator
        .until_said(r#"ping of kopf-example-1 {"duration":"1m","field":"other""#)
        .await;
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    let (calls, log) = (operator.calls(), operator.log());
    assert_eq!(calls.handler("background_sync").len(), 4, "{calls:?}");
    assert_eq!(calls.succeeded().ids(), ["background_sync"], "{calls:?}");
    assert_eq!(calls.handler("background_async").len(), 1, "{calls:?}");
    assert_eq!(log.count("adding the finalizer"), 1, "{log}");
    assert!(log.contains("delete is in progress"), "{log}");
    assert_eq!(log.count(": RESOURCE_DELETED"), 1, "{log}");
    assert_eq!(
        log.count("background_sync: daemon failed, next attempt in 1s"),
        3,
        "{log}"
    );
}

#[kopfrs::test]
async fn timers(cluster: Cluster) {
    let examples = kopf_examples(&cluster).await;
    let operator = cluster
        .operator()
        .handlers(handlers_of("timers"))
        .start()
        .await;
    examples.create_from(OBJECT).await;
    operator.until_said("Ping from a sync timer").await;
    operator.until_said("Ping from an async timer").await;
    examples.delete(NAME).await;
    examples.until_gone(NAME).await;
    stop(&operator).await;
    let (calls, log) = (operator.calls(), operator.log());
    assert!(calls.failed().is_empty(), "{calls:?}");
    // The other one begins five seconds later, and both are called as often as there is time.
    assert!(
        calls.handler("every_few_seconds_sync").len() >= 2,
        "{calls:?}"
    );
    assert!(!calls.handler("every_few_seconds_async").is_empty());
    assert_eq!(log.count("adding the finalizer"), 1, "{log}");
}
