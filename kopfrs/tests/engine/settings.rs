//! Settings by builder, environment and startup handler; several operators in one process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::settings::Lifecycle;
use kopfrs::storage::Persistence;
use tokio::time::sleep;

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
