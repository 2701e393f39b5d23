use std::sync::atomic::{AtomicUsize, Ordering};

use kopfrs::operator::OperatorError;
use kopfrs::registry::RegistryError;

use super::*;
use crate::bench::Status;

#[tokio::test(start_paused = true)]
async fn a_change_calls_once_and_a_status_does_not() {
    for status in [Status::Open, Status::Strict, Status::Plain] {
        let bench = Bench::new(status).await;
        let times = Times::new();
        let running = bench.start(only(handler().run(times.done()))).await;
        bench.create("a", json!({"size": 1})).await;
        settled(&bench, &times, "a", 1).await;
        if status == Status::Plain {
            bench.merge("a", json!({"status": {"phase": "x"}})).await;
        } else {
            let status = json!({"status": {"phase": "x"}});
            let patch = kube::api::Patch::Merge(status);
            let parameters = kube::api::PatchParams::default();
            bench
                .api()
                .patch_status("a", &parameters, &patch)
                .await
                .unwrap();
        }
        settled(&bench, &times, "a", 1).await;
        bench.merge("a", json!({"spec": {"size": 2}})).await;
        settled(&bench, &times, "a", 2).await;
        bench
            .merge("a", json!({"metadata": {"labels": {"x": "y"}}}))
            .await;
        settled(&bench, &times, "a", 3).await;
        running.stop().await;
        assert!(
            bench
                .writes("a")
                .iter()
                .all(|write| write == "PATCH/status" || write == "PATCH")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn own_writes_do_not_call_again_and_foreign_ones_meanwhile_do() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let api = bench.api();
    let apply = times.giving(move |call: Arc<Invocation<ChangingCause>>| {
        let api = api.clone();
        async move {
            let patch = &call.cause.patch;
            patch.annotation("note", "mine");
            patch.label("size", &*call.cause.body.spec()["size"].to_string());
            patch.status(json!({"phase": "Applied"}));
            patch.transform(|body| body["spec"]["seen"] = json!(true));
            if call.cause.body.spec()["size"] == 7 {
                // Somebody is quicker than this handler.
                let eight = kube::api::Patch::Merge(json!({"spec": {"size": 8}}));
                api.patch("a", &kube::api::PatchParams::default(), &eight)
                    .await?;
            }
            Ok(Action::Done)
        }
    });
    let running = bench.start(only(handler().run(apply))).await;
    bench.create("a", json!({"size": 1})).await;
    settled(&bench, &times, "a", 1).await;
    let object = bench.get("a").await.unwrap();
    assert_eq!(object["metadata"]["annotations"], json!({"note": "mine"}));
    assert_eq!(object["status"], json!({"phase": "Applied"}));
    bench.merge("a", json!({"spec": {"size": 7}})).await;
    settled(&bench, &times, "a", 3).await;
    let object = bench.get("a").await.unwrap();
    assert_eq!(object["metadata"]["labels"], json!({"size": "8"}));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_requeue_calls_again_in_time_and_a_resync_from_time_to_time() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let apply = times.giving(|call: Arc<Invocation<ChangingCause>>| async move {
        let size = call.cause.body.spec()["size"].as_u64();
        Ok(match size {
            Some(1) => Action::requeue(Duration::from_secs(2)),
            _ => Action::Done,
        })
    });
    let resync = Duration::from_mins(1);
    let handler = on::reconcile::<Demo>()
        .id("apply")
        .resync(resync)
        .run(apply);
    let running = bench.start(only(handler)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.create("b", json!({"size": 2})).await;
    bench
        .until("calls", || async {
            times.count("a") > 100 && times.count("b") > 3
        })
        .await;
    assert!(
        times.pauses("a").iter().all(|pause| *pause == 2),
        "{:?}",
        times.pauses("a")
    );
    assert!(
        times.pauses("b").iter().all(|pause| *pause == 60),
        "{:?}",
        times.pauses("b")
    );
    bench.merge("a", json!({"spec": {"size": 3}})).await;
    let before = times.count("a");
    a_while().await;
    assert_eq!(times.count("a"), before + 1);
    running.stop().await;
    assert_eq!(bench.writes("b"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn every_object_is_reconciled_once_at_a_start() {
    let bench = Bench::new(Status::Open).await;
    let times = Times::new();
    for name in ["a", "b"] {
        bench.create(name, json!({"size": 1})).await;
    }
    for starts in 1..4 {
        let running = bench.start(only(handler().run(times.done()))).await;
        settled(&bench, &times, "a", starts).await;
        settled(&bench, &times, "b", starts).await;
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_persisted_requeue_comes_at_its_time_across_restarts() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let asked = times.clone();
    let apply = times.giving(move |call: Arc<Invocation<ChangingCause>>| {
        let name = call.cause.body.name().to_owned();
        let (is_first, hour) = (asked.count(&name) == 1, Duration::from_hours(1));
        let action = match &*name {
            "kept" if is_first => Action::requeue_persisted(hour),
            "lost" if is_first => Action::requeue(hour),
            _ => Action::Done,
        };
        std::future::ready(Ok(action))
    });
    let registry = only(handler().run(apply));
    let running = bench.start(registry.clone()).await;
    bench.create("kept", json!({"size": 1})).await;
    bench.create("lost", json!({"size": 1})).await;
    settled(&bench, &times, "kept", 1).await;
    running.stop().await;
    let running = bench.start(registry.clone()).await;
    settled(&bench, &times, "kept", 2).await;
    running.kill().await;
    let running = bench.start(registry).await;
    settled(&bench, &times, "kept", 3).await;
    let memory = crate::bench::progress(&bench.get("kept").await.unwrap());
    assert!(memory.is_some_and(|memory| memory["apply"]["purpose"] == "reconcile"));
    // An operator begins with the time of the wall, which has hardly moved: the hour begins there.
    sleep(Duration::from_hours(2)).await;
    assert_eq!((times.count("kept"), times.count("lost")), (4, 3));
    assert!(
        (3500..=3600).contains(&times.pauses("kept")[2]),
        "{:?}",
        times.pauses("kept")
    );
    let memory = crate::bench::progress(&bench.get("kept").await.unwrap());
    assert_eq!(memory, None);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_objects_are_reconciled_at_once_than_asked_for() {
    let bench = Bench::new(Status::Strict).await;
    for i in 0..20 {
        bench.create(&format!("a{i}"), json!({"size": 1})).await;
    }
    let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let times = Times::new();
    let (running, most) = (now.clone(), peak.clone());
    let apply = times.giving(move |_| {
        let (running, most) = (running.clone(), most.clone());
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_secs(1)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(Action::Done)
        }
    });
    // Another kind of work goes on meanwhile, though nearly all requests wait for a place.
    let mut settings = Settings::default();
    settings.networking.requests_in_flight = 2;
    let registry = only(handler().concurrency(2).run(apply));
    let operator = bench.start_with(registry, settings).await;
    let names: Vec<String> = (0..20).map(|i| format!("a{i}")).collect();
    let all = || names.iter().all(|name| times.count(name) == 1);
    bench.until("all objects", || async { all() }).await;
    a_while().await;
    assert!(all());
    assert_eq!(peak.load(Ordering::SeqCst), 2);
    let took = times.calls.lock().unwrap().last().unwrap().0;
    assert!((9_000..11_000).contains(&took), "{took}");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_sees_the_object_as_it_is_when_its_turn_comes() {
    let bench = Bench::new(Status::Strict).await;
    let apply = bench.calls.clone();
    let handler = handler()
        .concurrency(1)
        .run(move |call: Arc<Invocation<ChangingCause>>| {
            apply.note(&call);
            async { sleep(Duration::from_secs(60)).await }
        });
    let running = bench.start(only(handler)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(1).await;
    bench.create("b", json!({"size": 1})).await;
    sleep(Duration::from_secs(5)).await;
    bench.merge("b", json!({"spec": {"size": 2}})).await;
    bench.until_calls(2).await;
    sleep(Duration::from_mins(5)).await;
    let calls = bench.calls.all();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!((&*calls[1].name, &calls[1].new), ("b", &json!({"size": 2})));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_handler_is_the_finalizer_and_is_retried() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let release = bench.handler(|call| async move {
        if call.attempt.retry < 2 {
            Err("not yet")?;
        }
        Ok(())
    });
    let delete = on::delete::<Demo>()
        .id("release")
        .backoff(Duration::from_secs(7));
    let registry = only(handler().run(times.done())).add(delete.run(release));
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    settled(&bench, &times, "a", 1).await;
    let object = bench.get("a").await.unwrap();
    assert_eq!(
        object["metadata"]["finalizers"],
        json!(["kopfrs.dev/finalizer"])
    );
    assert_eq!(bench.writes("a"), ["PATCH"]);
    bench.delete("a").await;
    bench.until_calls(2).await;
    assert!(bench.get("a").await.is_some());
    bench.until_gone("a").await;
    assert_eq!(bench.calls.names(), ["release/0", "release/1", "release/2"]);
    assert_eq!(times.count("a"), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_handler_counts_whose_filters_let_the_object_through() {
    let bench = Bench::new(Status::Strict).await;
    let of = |id: &str| {
        let calls = bench.calls.clone();
        let note = move |call: Arc<Invocation<ChangingCause>>| {
            calls.note(&call);
            std::future::ready(())
        };
        on::reconcile::<Demo>()
            .id(id)
            .label("tier", "web")
            .run(note)
    };
    let rest = on::reconcile::<Demo>().id("rest");
    let calls = bench.calls.clone();
    let rest = rest.field(FieldPath::new(["spec", "size"])).run(
        move |call: Arc<Invocation<ChangingCause>>| {
            calls.note(&call);
            assert_eq!(call.cause.reason, Reason::Reconcile);
            std::future::ready(())
        },
    );
    let registry = only(of("web")).add(of("again")).add(rest);
    let running = bench.start(registry).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(1).await;
    bench
        .merge("a", json!({"metadata": {"labels": {"tier": "web"}}}))
        .await;
    bench.until_calls(2).await;
    bench.create("b", json!({})).await;
    a_while().await;
    assert_eq!(bench.calls.names(), ["rest/spec.size/0", "web/0"]);
    // Nobody cares for it, so nothing is written to it.
    assert_eq!(bench.writes("b"), Vec::<String>::new());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_the_running_call_finish_and_begins_no_other() {
    let bench = Bench::new(Status::Strict).await;
    let times = Times::new();
    let apply = times.giving(|call: Arc<Invocation<ChangingCause>>| async move {
        sleep(Duration::from_secs(10)).await;
        call.cause.patch.status(json!({"phase": "Applied"}));
        Ok(Action::Done)
    });
    let running = bench.start(only(handler().concurrency(1).run(apply))).await;
    bench.create("a", json!({"size": 1})).await;
    bench
        .until("the call", || async { times.count("a") == 1 })
        .await;
    bench.create("b", json!({"size": 1})).await;
    sleep(Duration::from_secs(1)).await;
    running.stop().await;
    assert_eq!(bench.get("a").await.unwrap()["status"]["phase"], "Applied");
    assert_eq!((times.count("a"), times.count("b")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn handlers_of_changes_are_refused_for_what_is_reconciled() {
    let bench = Bench::new(Status::Strict).await;
    let reconcile = || handler().run(async || {});
    let selector = || Selector::name("demos").unwrap();
    let others = [
        on::create_of(selector()).id("other").run(async || {}),
        on::update::<Demo>().id("other").run(async || {}),
        on::resume::<Demo>().id("other").run(async || {}),
        on::verify::<Demo>()
            .id("other")
            .run(async || kopfrs::lifecycle::Verified::Ready),
        on::field::<Demo>()
            .field(FieldPath::new(["spec"]))
            .id("other")
            .run(async || {}),
    ];
    for other in others {
        let name = other.rule.to_string();
        let operator = Operator::builder()
            .registry(only(reconcile()).add(other))
            .client(bench.client.clone());
        let error = operator.build().unwrap().run().await.unwrap_err();
        let OperatorError::Handlers(mistake) = &error else {
            panic!("{error}");
        };
        let RegistryError::Reconciled { handler, id, .. } = &**mistake else {
            panic!("{error}");
        };
        assert_eq!(*handler, name);
        assert!(id.starts_with("other"), "{id}");
        assert!(
            error.to_string().contains("have a reconcile handler"),
            "{error}"
        );
    }
}
