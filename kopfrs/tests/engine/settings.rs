//! Settings by builder, environment and startup handler; several operators in one process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::settings::Lifecycle;
use kopfrs::storage::Persistence;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Demo, Status};

#[tokio::test(start_paused = true)]
async fn the_environment_overrides_the_program_and_startup_handlers_have_the_last_word() {
    let bench = Bench::new(Status::Open).await;
    let seen = Arc::new(Mutex::new(Settings::default()));
    let seen_by_startup = seen.clone();
    let startup = move |settings: SettingsHandle| {
        *seen_by_startup.lock().unwrap() = settings.get().as_ref().clone();
        settings.update(|s| s.watching.page_size = 3);
        async {}
    };
    let ready = Arc::new(Mutex::new(Settings::default()));
    let seen_when_ready = ready.clone();
    let mut settings = Settings::default();
    settings.watching.page_size = 1;
    settings.execution.lifecycle = Lifecycle::Asap;
    settings.execution.default_backoff = Duration::from_secs(1);
    let says = |variable: &str| match variable {
        "KOPFRS_WATCHING_PAGE_SIZE" => Some("2".to_owned()),
        "KOPFRS_EXECUTION_DEFAULT_BACKOFF" => Some("1m30s".to_owned()),
        _ => None,
    };
    let registry = Registry::new()
        .add(on::startup().id("startup").run(startup))
        .add(on::create::<Demo>().id("create").run(bench.noting()));
    let operator = Operator::builder()
        .registry(registry)
        .settings(settings.overridden_by(says).unwrap())
        .client(bench.client.clone())
        .on_ready(move |ready| *seen_when_ready.lock().unwrap() = ready.settings.as_ref().clone())
        .stop_when(sleep(Duration::from_secs(1)));
    operator.build().unwrap().run().await.unwrap();
    let (seen, ready) = (seen.lock().unwrap().clone(), ready.lock().unwrap().clone());
    assert_eq!(seen.execution.lifecycle, Lifecycle::Asap);
    assert_eq!(seen.execution.default_backoff, Duration::from_secs(90));
    assert_eq!(seen.watching.page_size, 2);
    assert_eq!(ready.watching.page_size, 3);
}

#[tokio::test(start_paused = true)]
async fn operators_in_one_process_have_handlers_settings_and_ends_of_their_own() {
    let bench = Bench::new(Status::Open).await;
    let registry = |id: &str| {
        let update = format!("{id}-update");
        let delete = format!("{id}-delete");
        Registry::new()
            .add(on::create::<Demo>().id(id).run(bench.noting()))
            .add(on::update::<Demo>().id(update).run(bench.noting()))
            .add(on::delete::<Demo>().id(delete).run(bench.noting()))
    };
    let settings = |prefix: &str| {
        let mut settings = Settings::default();
        settings.persistence.default = Persistence::new(prefix);
        settings
    };
    let one = bench
        .start_with(registry("one"), settings("one.example.com"))
        .await;
    let two = bench
        .start_with(registry("two"), settings("two.example.com"))
        .await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_calls(2).await;
    sleep(Duration::from_secs(5)).await;
    one.stop().await;
    bench.merge("a", json!({"spec": {"size": 2}})).await;
    bench.until_calls(3).await;
    sleep(Duration::from_secs(60)).await;
    let mut names = bench.calls.names();
    names.sort();
    assert_eq!(names, ["one/0", "two-update/0", "two/0"]);
    let finalizers = bench.get("a").await.unwrap()["metadata"]["finalizers"].clone();
    assert_eq!(finalizers.as_array().map(Vec::len), Some(2));
    // The one that goes on has done its part; the object waits for the other.
    bench.delete("a").await;
    bench.until_calls(4).await;
    sleep(Duration::from_secs(5)).await;
    assert!(bench.get("a").await.is_some());
    let one = bench
        .start_with(registry("one"), settings("one.example.com"))
        .await;
    bench.until_gone("a").await;
    let mut names = bench.calls.names();
    names.sort();
    assert_eq!(
        names,
        [
            "one-delete/0",
            "one/0",
            "two-delete/0",
            "two-update/0",
            "two/0"
        ]
    );
    two.stop().await;
    one.stop().await;
}

#[tokio::test(start_paused = true)]
async fn memos_are_kept_for_each_object_and_for_the_operator() {
    let bench = Bench::new(Status::Open).await;
    let told: Arc<Mutex<Vec<(&str, u32)>>> = Arc::default();
    let noting = |what: &'static str| {
        let told = told.clone();
        move |memo: Memo<u32>| {
            let count = memo.update(|count| {
                *count += 1;
                *count
            });
            told.lock().unwrap().push((what, count));
            async {}
        }
    };
    let registry = Registry::new()
        .add(on::startup().id("startup").run(noting("startup")))
        .add(on::create::<Demo>().id("create").run(noting("create")))
        .add(on::update::<Demo>().id("update").run(noting("update")))
        .add(on::cleanup().id("cleanup").run(noting("cleanup")));
    let running = bench.start(registry).await;
    for name in ["a", "b"] {
        bench.create(name, json!({"size": 1})).await;
        bench.until_handled(name).await;
        sleep(Duration::from_secs(600)).await;
        bench.merge(name, json!({"spec": {"size": 2}})).await;
        bench.until_handled(name).await;
    }
    running.stop().await;
    let expected = [
        ("startup", 1),
        ("create", 1),
        ("update", 2),
        ("create", 1),
        ("update", 2),
        ("cleanup", 2),
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_running_handler_has_the_drain_budget_and_a_second_signal_ends_it_at_once() {
    // How long the handler takes, when the second signal comes, how long the end takes.
    for (work, again, end, calls) in [
        (10, None, 9..=11, &["create/0"][..]),
        (100, None, 29..=31, &["create/0", "create/0"]),
        (100, Some(3), 2..=4, &["create/0", "create/0"]),
    ] {
        let bench = Bench::new(Status::Open).await;
        let handler = |seconds: u64| {
            bench.handler(move |_| async move {
                sleep(Duration::from_secs(seconds)).await;
                Ok(())
            })
        };
        let registry =
            |seconds| Registry::new().add(on::create::<Demo>().id("create").run(handler(seconds)));
        let mut settings = Settings::default();
        settings.process.drain_budget = Duration::from_secs(30);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let again = async move {
            match again {
                Some(seconds) => sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        let operator = Operator::builder()
            .registry(registry(work))
            .settings(settings)
            .client(bench.client.clone())
            .stop_when(async move { drop(stopped.await) })
            .cancel_when(again);
        let running = tokio::spawn(operator.build().unwrap().run());
        bench.create("a", json!({"size": 1})).await;
        bench.until_calls(1).await;
        let began = Instant::now();
        drop(stop);
        running.await.unwrap().unwrap();
        let seconds = began.elapsed().as_secs();
        assert!(end.contains(&seconds), "{seconds} of {end:?}");
        // A cancelled attempt does not count.
        let running = bench.start(registry(1)).await;
        bench.until_handled("a").await;
        assert_eq!(bench.calls.names(), calls);
        running.stop().await;
    }
}

/// How many calls there are at once.
#[derive(Clone, Default)]
struct Crowd(Arc<Mutex<(usize, usize)>>);

impl Crowd {
    fn enter(&self) {
        let mut crowd = self.0.lock().unwrap();
        crowd.0 += 1;
        crowd.1 = crowd.1.max(crowd.0);
    }

    fn leave(&self) {
        self.0.lock().unwrap().0 -= 1;
    }

    fn most(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_objects_are_handled_at_once_than_the_limit_says() {
    for (limit, expected) in [(Some(2), 2), (Some(1), 1), (None, 6)] {
        let (bench, crowd) = (Bench::new(Status::Open).await, Crowd::default());
        let present = crowd.clone();
        let handler = bench.handler(move |call| {
            let crowd = present.clone();
            async move {
                crowd.enter();
                sleep(Duration::from_secs(1)).await;
                crowd.leave();
                if call.attempt.retry == 0 && call.cause.body.name() == "d0" {
                    return Err(TemporaryError::new("again", Duration::from_secs(30)).into());
                }
                Ok(())
            }
        });
        for number in 0..4 {
            bench
                .create(&format!("d{number}"), json!({"size": 1}))
                .await;
        }
        let mut settings = Settings::default();
        settings.queueing.worker_limit = limit;
        settings.watching.page_size = 1;
        let registry = Registry::new().add(on::create::<Demo>().id("create").run(handler));
        let running = bench.launch(registry, settings);
        for number in 4..6 {
            bench
                .create(&format!("d{number}"), json!({"size": 1}))
                .await;
        }
        bench.until_calls(7).await;
        running.stop().await;
        let mut names: Vec<_> = bench
            .calls
            .all()
            .into_iter()
            .map(|call| call.name)
            .collect();
        names.sort();
        assert_eq!(names, ["d0", "d0", "d1", "d2", "d3", "d4", "d5"]);
        if limit.is_some() {
            assert_eq!(crowd.most(), expected);
        } else {
            assert!(crowd.most() > 2, "{}", crowd.most());
        }
    }
}

#[tokio::test]
async fn no_more_functions_block_at_once_than_the_limit_says() {
    let (bench, crowd) = (Bench::new(Status::Open).await, Crowd::default());
    let (present, calls) = (crowd.clone(), bench.calls.clone());
    let block = move |call: Arc<Invocation<ChangingCause>>| {
        present.enter();
        std::thread::sleep(Duration::from_millis(100));
        present.leave();
        calls.note(&call);
    };
    let registry = Registry::new().add(on::create::<Demo>().id("create").run_blocking(block));
    for number in 0..5 {
        bench
            .create(&format!("d{number}"), json!({"size": 1}))
            .await;
    }
    let mut settings = Settings::default();
    settings.execution.max_workers = Some(2);
    let running = bench.start_with(registry, settings).await;
    bench.until_calls(5).await;
    running.stop().await;
    assert_eq!(crowd.most(), 2);
}

#[tokio::test(start_paused = true)]
async fn failures_are_followed_by_the_pauses_that_are_set() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = times.clone();
    let bench = Bench::new(Status::Open).await.refusing(move |request| {
        let is_patch = request.method() == "PATCH";
        let mut seen = seen.lock().unwrap();
        (is_patch && seen.len() < 4).then(|| {
            seen.push(Instant::now());
            422
        })
    });
    let mut settings = Settings::default();
    settings.queueing.error_delays = [3, 40].map(Duration::from_secs).to_vec();
    let registry = Registry::new().add(on::create::<Demo>().id("create").run(bench.noting()));
    let running = bench.start_with(registry, settings).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    let times = times.lock().unwrap().clone();
    let pauses: Vec<_> = times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs())
        .collect();
    assert_eq!(pauses, [3, 40, 40]);
}
