//! Watches in other versions than the stored one.

use futures::{AsyncBufReadExt, StreamExt, TryStreamExt, stream::BoxStream};
use serde_json::{Value, json};

use crate::demos::{Demos, path};

type Lines = BoxStream<'static, Value>;

async fn watch(demos: &Demos, version: &str, query: &str) -> Lines {
    let path = format!("{}?watch=1{query}", path(version, ""));
    let request = http::Request::get(path)
        .body(Vec::new())
        .expect("a request");
    let body = demos.client.request_stream(request).await.expect("a watch");
    let lines = body
        .lines()
        .map_ok(|line| serde_json::from_str(&line).expect("an event"));
    lines.map(|line| line.expect("a line")).boxed()
}

/// The type of an event, and what the version's own field says.
fn told(event: &Value, field: &str) -> String {
    format!(
        "{} {} {}",
        event["type"].as_str().expect("a type"),
        event["object"]["metadata"]["name"]
            .as_str()
            .unwrap_or_default(),
        event["object"]["spec"][field]
    )
}

async fn next(lines: &mut Lines, field: &str) -> String {
    told(&lines.next().await.expect("an event"), field)
}

#[tokio::test(start_paused = true)]
async fn events_come_in_the_version_of_the_watch() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    let mut old = watch(&demos, "v1alpha1", "&resourceVersion=0").await;
    let mut new = watch(&demos, "v1", "&resourceVersion=0").await;
    demos
        .patch("v1beta1", "a", &json!({"spec": {"amount": 2}}))
        .await;
    demos
        .send(http::Method::DELETE, &path("v1", "a"), None)
        .await;
    for expected in ["ADDED a 1", "MODIFIED a 2", "DELETED a 2"] {
        assert_eq!(next(&mut old, "count").await, expected);
        assert_eq!(next(&mut new, "size").await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn selectors_look_at_the_version_of_the_watch() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    let selected = "&resourceVersion=0&fieldSelector=spec.count%3D2";
    let mut lines = watch(&demos, "v1alpha1", selected).await;
    for size in [2, 3] {
        demos
            .patch("v1", "a", &json!({"spec": {"size": size}}))
            .await;
    }
    assert_eq!(next(&mut lines, "count").await, "ADDED a 2");
    assert_eq!(next(&mut lines, "count").await, "DELETED a 2");
}

#[tokio::test(start_paused = true)]
async fn a_watch_waits_for_the_webhook_and_leaves_nothing_out() {
    let demos = Demos::start().await;
    let mut lines = watch(&demos, "v1alpha1", "&allowWatchBookmarks=true").await;
    demos.create("v1", "a", 1).await;
    assert_eq!(next(&mut lines, "count").await, "ADDED a 1");
    demos.fail();
    demos.create("v1", "b", 2).await;
    demos.create("v1", "c", 3).await;
    // Long enough for bookmarks, which would say that everything before them had been told.
    let minutes = std::time::Duration::from_secs(150);
    assert!(tokio::time::timeout(minutes, lines.next()).await.is_err());
    demos.convert_again();
    assert_eq!(next(&mut lines, "count").await, "ADDED b 2");
    assert_eq!(next(&mut lines, "count").await, "ADDED c 3");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_converted_holds_up_nothing_before_it() {
    let demos = Demos::start().await;
    demos.instead(|request| {
        let objects = request["objects"].as_array().expect("objects");
        if objects
            .iter()
            .any(|object| object["metadata"]["name"] == "bad")
        {
            return json!({"result": {"status": "Failure", "message": "bad is bad"}});
        }
        crate::demos::good(request)
    });
    let mut lines = watch(&demos, "v1alpha1", "").await;
    for name in ["a", "b", "bad", "c"] {
        demos.create("v1", name, 1).await;
    }
    assert_eq!(next(&mut lines, "count").await, "ADDED a 1");
    assert_eq!(next(&mut lines, "count").await, "ADDED b 1");
    let while_later = std::time::Duration::from_secs(10);
    assert!(
        tokio::time::timeout(while_later, lines.next())
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_cannot_show_what_there_is_says_why() {
    let demos = Demos::start().await;
    demos.create("v1", "a", 1).await;
    demos.fail();
    let mut lines = watch(&demos, "v1alpha1", "&resourceVersion=0").await;
    let event = lines.next().await.expect("an event");
    assert_eq!(event["type"], "ERROR");
    assert_eq!(
        event["object"]["message"],
        "conversion webhook for conv.test/v1, Kind=Demo failed: I will not"
    );
    assert!(lines.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_with_the_webhook_that_is_defined_now() {
    let demos = Demos::start().await;
    let mut lines = watch(&demos, "v1alpha1", "").await;
    let next_one = Demos::on(demos.sandbox.clone()).await;
    drop(demos);
    next_one.create("v1", "a", 1).await;
    assert_eq!(next(&mut lines, "count").await, "ADDED a 1");
}
