//! Which of them are called in a round, and what comes of it.

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::settings::Lifecycle;
use tokio::time::Instant;

use super::{bench, creation, parent};
use crate::bench::{Demo, progress};

#[tokio::test(start_paused = true)]
async fn all_that_succeed_at_once_are_one_cycle_and_nothing_is_written_about_progress() {
    let bench = bench().await;
    let running = bench.start(creation(&bench)).await;
    let script =
        json!({"p": [{"return": "all"}], "p/x": [{"return": "rx"}], "p/w": [{"return": {"k": 1}}]});
    let spec = json!({"items": ["x", "y", "w"], "nested": {"y": ["a", "b"]}, "script": script});
    bench.create("a", spec).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(
        bench.calls.names(),
        [
            "p/0", "p/x/0", "p/y/0", "p/y/a/0", "p/y/b/0", "p/w/0", "z/0"
        ]
    );
    let status = bench.get("a").await.unwrap()["status"].clone();
    assert_eq!(
        (&status["p"], &status["p/x"], &status["p/w"]),
        (&json!("all"), &json!("rx"), &json!({"k": 1}))
    );
    assert_eq!(bench.writes("a"), ["PATCH/status"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_retried_calls_its_parents_again_and_no_others() {
    let bench = bench().await;
    let running = bench.start(creation(&bench)).await;
    let script = json!({
        "p": [{"return": "early"}, {"return": "late"}],
        "p/y/a": [{"later": 100}, {"return": "ra"}],
        "p/x": [{"never": "no"}],
    });
    let spec = json!({"items": ["x", "y"], "nested": {"y": ["a", "b"]}, "script": script});
    let began = Instant::now();
    bench.create("a", spec).await;
    bench.until_calls(6).await;
    let stored = |object: &Value| object["status"]["p"].clone();
    bench
        .until("progress", || async {
            progress(&bench.get("a").await.unwrap()).is_some()
        })
        .await;
    let object = bench.get("a").await.unwrap();
    let records = progress(&object).unwrap();
    assert_eq!(stored(&object), Value::Null, "it is not finished");
    assert_eq!(
        records["p"]["subrefs"],
        json!(["p/x", "p/y", "p/y/a", "p/y/b"])
    );
    assert_eq!(records["p/y"]["subrefs"], json!(["p/y/a", "p/y/b"]));
    assert_eq!(records["p/x"]["failure"], true);
    assert_eq!(
        records["p"]["message"],
        Value::Null,
        "nothing is wrong with it"
    );
    bench.until_handled("a").await;
    assert!(began.elapsed() >= Duration::from_secs(100));
    assert!(began.elapsed() < Duration::from_secs(110));
    running.stop().await;
    assert_eq!(
        bench.calls.names(),
        [
            "p/0", "p/x/0", "p/y/0", "p/y/a/0", "p/y/b/0", "z/0", "p/1", "p/y/1", "p/y/a/1"
        ]
    );
    let object = bench.get("a").await.unwrap();
    assert_eq!(stored(&object), "late");
    assert_eq!(object["status"]["p/y/a"], "ra");
    assert_eq!(progress(&object), None);
}

#[tokio::test(start_paused = true)]
async fn one_runs_in_each_cycle_where_handlers_do() {
    let bench = bench().await;
    let mut settings = Settings::default();
    settings.execution.lifecycle = Lifecycle::Asap;
    let running = bench.start_with(creation(&bench), settings).await;
    bench.create("a", json!({"items": ["x", "y", "w"]})).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(
        bench.calls.names(),
        ["p/0", "p/x/0", "z/0", "p/1", "p/y/0", "p/2", "p/w/0"]
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_for_sub_handlers_is_no_attempt_that_counts() {
    let bench = bench().await;
    let create = on::create::<Demo>().id("p").retries(1).run(parent(&bench));
    let running = bench.start(Registry::new().add(create)).await;
    let script =
        json!({"p/x": [{"later": 5}, {"later": 5}, {"return": 1}], "p": [{}, {}, {"return": 2}]});
    bench
        .create("a", json!({"items": ["x"], "script": script}))
        .await;
    bench.until_handled("a").await;
    running.stop().await;
    let status = bench.get("a").await.unwrap()["status"].clone();
    assert_eq!((&status["p"], &status["p/x"]), (&json!(2), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_the_parent_is_for_all_of_it() {
    let bench = bench().await;
    let create = on::create::<Demo>()
        .id("p")
        .timeout(Duration::from_secs(60))
        .run(parent(&bench));
    let running = bench.start(Registry::new().add(create)).await;
    let later = json!({"later": 25});
    let script = json!({"p/x": [later, later, later, later]});
    bench
        .create("a", json!({"items": ["x"], "script": script}))
        .await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(
        bench.calls.names(),
        ["p/0", "p/x/0", "p/1", "p/x/1", "p/2", "p/x/2"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_parent_goes_on_with_what_has_become_of_them() {
    let bench = bench().await;
    let create = on::create::<Demo>().id("p").run(
        async |subs: Subhandlers, patch: Patch, attempt: Attempt| -> Result<()> {
            subs.register("first").run(async move |attempt: Attempt| {
                if attempt.retry == 0 {
                    return Err(TemporaryError::after_secs("not yet", 10));
                }
                Ok("done")
            });
            subs.register("second")
                .run_blocking(|| Err::<(), _>(PermanentError::new("too bad")));
            let outcomes = subs.execute().await?;
            let failed: Vec<_> = outcomes.failed().collect();
            let succeeded: Vec<_> = outcomes.succeeded().collect();
            let told = json!({"failed": failed, "succeeded": succeeded, "retry": attempt.retry});
            patch.status(json!({ "told": told }));
            subs.register("third").run(async || "after");
            Ok(())
        },
    );
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({})).await;
    bench.until_handled("a").await;
    running.stop().await;
    let status = bench.get("a").await.unwrap()["status"].clone();
    let told = json!({"failed": [["second", "too bad"]], "succeeded": ["first"], "retry": 1});
    assert_eq!(status["told"], told);
    assert_eq!(status["p/first"], "done");
    assert_eq!(status["p/third"], "after");
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_fails_calls_none_and_one_that_hides_that_they_wait_is_not_finished() {
    let bench = bench().await;
    let calls = bench.calls.clone();
    let create = on::create::<Demo>().id("p").run(
        move |call: Arc<Invocation<ChangingCause>>, subs: Subhandlers| {
            let calls = calls.clone();
            async move {
                calls.note(&call);
                subs.register("x")
                    .run(async move |call: Arc<Invocation<ChangingCause>>| {
                        calls.note(&call);
                        match call.attempt.retry {
                            0 => Err(TemporaryError::after_secs("not yet", 10)),
                            _ => Ok(()),
                        }
                    });
                if call.attempt.retry == 0 {
                    return Err(TemporaryError::after_secs("not yet", 10));
                }
                let _ = subs.execute().await;
                Ok(())
            }
        },
    );
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({})).await;
    bench.until_handled("a").await;
    running.stop().await;
    assert_eq!(bench.calls.names(), ["p/0", "p/1", "p/x/0", "p/2", "p/x/1"]);
}

#[tokio::test(start_paused = true)]
async fn what_they_say_of_the_object_counts_more_than_what_was_said_before() {
    let bench = bench().await;
    let create =
        on::create::<Demo>()
            .id("p")
            .run(async |subs: Subhandlers, patch: Patch| -> Result<()> {
                patch.status(json!({"phase": "begun", "by": "p"}));
                subs.register("x")
                    .run(async |patch: Patch| patch.status(json!({"phase": "x", "by": "x"})));
                subs.execute().await?;
                patch.status(json!({"phase": "done"}));
                Ok(())
            });
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({})).await;
    bench.until_handled("a").await;
    running.stop().await;
    let status = bench.get("a").await.unwrap()["status"].clone();
    assert_eq!(
        (&status["phase"], &status["by"]),
        (&json!("done"), &json!("x"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_deletion_waits_for_them() {
    let bench = bench().await;
    let delete = on::delete::<Demo>().id("d").run(parent(&bench));
    let running = bench.start(Registry::new().add(delete)).await;
    let script = json!({"d/x": [{"later": 30}]});
    bench
        .create("a", json!({"items": ["x", "y"], "script": script}))
        .await;
    bench.until_handled("a").await;
    let began = Instant::now();
    bench.delete("a").await;
    bench.until_gone("a").await;
    running.stop().await;
    assert!(began.elapsed() >= Duration::from_secs(30));
    assert_eq!(
        bench.calls.names(),
        ["d/0", "d/x/0", "d/y/0", "d/1", "d/x/1"]
    );
}
