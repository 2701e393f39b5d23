use super::*;
use crate::bench::Status;

#[tokio::test(start_paused = true)]
async fn errors_back_off_per_object_and_a_success_forgets_them() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let apply = times.giving(|call: Arc<Invocation<ChangingCause>>| async move {
        if call.cause.body.spec()["size"] == 0 {
            Err("too small")?;
        }
        Ok(Action::Done)
    });
    let handler = handler().backoff(Duration::from_secs(10)).run(apply);
    let running = bench.start(only(handler)).await;
    bench.create("bad", json!({"size": 0})).await;
    bench.create("good", json!({"size": 1})).await;
    sleep(Duration::from_mins(30)).await;
    let pauses = times.pauses("bad");
    assert_eq!(pauses[..7], [10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(times.count("good"), 1);
    // A change is tried at once, and then it is well.
    let count = times.count("bad");
    bench.merge("bad", json!({"spec": {"size": 1}})).await;
    settled(&bench, &times, "bad", count + 1).await;
    bench.merge("bad", json!({"spec": {"size": 0}})).await;
    sleep(Duration::from_secs(75)).await;
    let pauses = times.pauses("bad");
    assert_eq!(pauses[count + 1..], [10, 20, 40]);
    // The two changes are those of this test: progress is not stored.
    assert_eq!(bench.writes("bad"), ["PATCH"; 2]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn errors_may_say_themselves_when_to_try_again() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let apply = times.giving(|call: Arc<Invocation<ChangingCause>>| async move {
        match call.cause.body.name() {
            "temporary" => Err(TemporaryError::after_secs("not yet", 33).into()),
            "permanent" => Err(PermanentError::new("never").into()),
            _ => panic!("oh"),
        }
    });
    let handler = on::reconcile::<Demo>()
        .id("apply")
        .resync(Duration::from_mins(5));
    let running = bench.start(only(handler.run(apply))).await;
    for name in ["temporary", "permanent", "panics"] {
        bench.create(name, json!({"size": 1})).await;
    }
    sleep(Duration::from_secs(170)).await;
    assert_eq!(times.pauses("temporary"), [33; 5]);
    assert_eq!(times.count("permanent"), 1);
    assert_eq!(times.pauses("panics"), [1, 2, 4, 8, 16, 32, 64]);
    bench.merge("permanent", json!({"spec": {"size": 2}})).await;
    settled(&bench, &times, "permanent", 2).await;
    sleep(Duration::from_mins(6)).await;
    assert_eq!(times.pauses("permanent")[1..], [300]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_is_refused_is_asked_for_again_by_the_handler() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let apply = times.giving(|call: Arc<Invocation<ChangingCause>>| async move {
        call.cause.patch.status(json!({"phase": 5}));
        Ok(Action::Done)
    });
    let running = bench.start(only(handler().run(apply))).await;
    bench.create("a", json!({"size": 1})).await;
    sleep(Duration::from_mins(5)).await;
    assert_eq!(times.pauses("a")[..6], [1, 2, 4, 8, 16, 32]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_while_results_are_written_calls_again() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let apply = times.giving(|call: Arc<Invocation<ChangingCause>>| async move {
        call.cause.patch.status(json!({"phase": "Applied"}));
        Ok(Action::Done)
    });
    let is_down = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let down = is_down.clone();
    let bench = bench.refusing(move |request| {
        let is_down = down.load(std::sync::atomic::Ordering::SeqCst);
        (is_down && request.method() == "PATCH").then_some(503)
    });
    let running = bench.start(only(handler().run(apply))).await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .until("a call", || async { times.count("a") >= 2 })
        .await;
    is_down.store(false, std::sync::atomic::Ordering::SeqCst);
    let is_applied = || async { bench.get("a").await.unwrap()["status"]["phase"] == "Applied" };
    bench.until("the phase", is_applied).await;
    let calls = times.count("a");
    a_while().await;
    assert_eq!(times.count("a"), calls);
    running.stop().await;
}
