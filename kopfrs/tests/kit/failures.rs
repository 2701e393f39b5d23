//! What fails a test, and what is told then.

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Test};

use crate::subject::{Gauge, failing, failure_of, gauge, showing};

fn assert_says(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn what_never_comes_is_told_with_everything_that_explains_it() {
    let said = failure_of(Test::new("never"), async |cluster: Cluster| {
        cluster.install::<Gauge>().await;
        let operator = cluster.operator().handlers(failing());
        let _operator = operator.start().await;
        let gauges = cluster.objects::<Gauge>();
        gauges.create(&gauge("a", 7)).await;
        cluster.until_event("a", "HandlerRetried").await;
        let is_shown = |gauge: &Gauge| gauge.status.as_ref().is_some_and(|s| s.size == 7);
        gauges
            .until("a", is_shown)
            .within(Duration::from_secs(90))
            .await;
    });
    assert_says(
        &said,
        &[
            "the test waits for gauges.v1.kit.example.com",
            "/a to be as it should, but it has not come within 90s",
            "gauges.v1.kit.example.com a as it is now:",
            "\"size\": 7",
            "events about a:\n  Warning",
            "not today",
            "operator 1 is running",
            "serves: gauges.v1.kit.example.com",
            "has called handlers 2 times",
            "/a, attempt 1: failed (Temporary(60s)): not today",
            "has something to do for 1 object",
            "/a waits for ",
            "said last:",
            "fail: create handler failed, next attempt in 60s: not today",
        ],
    );
    assert!(!said.contains("managedFields"), "{said}");
}

#[test]
fn a_kind_that_is_not_there_is_named() {
    let said = failure_of(Test::new("kind"), async |cluster: Cluster| {
        // A kind that no other test installs: clusters may be shared.
        let nobodys = Selector::name("absentees.v1.kit.example.com").expect("a name");
        let create = on::create_of(nobodys).id("create").run(async || {});
        let handlers = Registry::new().add(create);
        let operator = cluster.operator().handlers(handlers).start().await;
        operator
            .until_called("create")
            .within(Duration::from_secs(5))
            .await;
    });
    assert_says(
        &said,
        &[
            "waits for a call of create, but it has not come within 5s",
            "waits for kinds that the API does not serve: absentees.v1.kit.example.com",
            "has nothing to do",
        ],
    );
}

#[test]
fn an_operator_that_cannot_start_fails_the_test() {
    let said = failure_of(Test::new("empty"), async |cluster: Cluster| {
        cluster.operator().handlers(Registry::new()).start().await;
    });
    assert_says(
        &said,
        &["waits for operator 1 to get ready, but operator 1 has ended with an error: "],
    );

    let fail = async || Err::<(), _>(PermanentError::new("no such luck"));
    let said = failure_of(Test::new("startup"), async |cluster: Cluster| {
        let handlers = showing().add(on::startup().id("begin").run(fail));
        cluster.operator().handlers(handlers).start().await;
    });
    let error =
        "operator 1 has ended with an error: startup handler \"begin\" failed: no such luck";
    assert_says(
        &said,
        &[
            error,
            "begin (startup), attempt 0: failed (Permanent): no such luck",
        ],
    );
}

#[test]
fn an_operator_that_ends_by_itself_fails_a_test_that_does_not_look() {
    let said = failure_of(Test::new("unseen"), async |cluster: Cluster| {
        let operator = cluster.operator().handlers(Registry::new()).launch().await;
        cluster
            .until("its end", async || !operator.is_running())
            .await;
    });
    assert_says(&said, &["operator 1 has ended with an error"]);

    let said = failure_of(Test::new("over"), async |cluster: Cluster| {
        let operator = cluster.operator().handlers(Registry::new()).launch().await;
        while operator.is_running() {
            tokio::task::yield_now().await;
        }
    });
    assert_says(
        &said,
        &["the test is over, but operator 1 has ended with an error"],
    );
}

#[kopfrs::test]
async fn a_start_that_fails_can_be_what_is_expected(cluster: Cluster) {
    let operator = cluster.operator().handlers(Registry::new()).launch().await;
    let error = operator.ended().await.unwrap_err();
    assert!(
        matches!(error, kopfrs::operator::OperatorError::Handlers(_)),
        "{error}"
    );
}

#[test]
fn a_cleanup_that_fails_is_told_by_whoever_stops_the_operator() {
    let said = failure_of(Test::new("cleanup"), async |cluster: Cluster| {
        cluster.install::<Gauge>().await;
        let fail = async || Err::<(), _>(PermanentError::new("it is stuck"));
        let handlers = showing().add(on::cleanup().id("tidy").run(fail));
        let operator = cluster.operator().handlers(handlers).start().await;
        operator.stop().await;
    });
    assert_says(&said, &["cleanup handler \"tidy\" failed: it is stuck"]);
}

#[test]
fn requests_that_are_refused_name_the_object() {
    let said = failure_of(Test::new("refused"), async |cluster: Cluster| {
        cluster.install::<Gauge>().await;
        let gauges = cluster.objects::<Gauge>();
        gauges.create(&gauge("a", 1)).await;
        gauges.create(&gauge("a", 1)).await;
    });
    assert_says(
        &said,
        &[
            "gauges.v1.kit.example.com ",
            "/a cannot be created: ",
            "already exists",
        ],
    );
    let said = failure_of(Test::new("unknown"), async |cluster: Cluster| {
        cluster.install::<Gauge>().await;
        cluster.objects::<Gauge>().get("b").await
    });
    assert_says(&said, &["/b is not there"]);
}

#[test]
#[should_panic(expected = "as it was")]
fn panics_of_tests_are_theirs() {
    Test::new("panic").run(async |_cluster: Cluster| panic!("as it was"));
}

#[kopfrs::test]
#[should_panic(expected = "3 != 4")]
async fn attributes_stay(_cluster: Cluster) {
    let sum = 1 + 2;
    assert!(sum == 4, "{sum} != 4");
}

#[kopfrs::test]
async fn tests_may_return_results(cluster: Cluster) -> Result<(), std::num::ParseIntError> {
    assert!(cluster.namespace().starts_with("tests-may-return-results-"));
    let _: u8 = "7".parse()?;
    Ok(())
}
