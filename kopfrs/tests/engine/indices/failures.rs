//! What becomes of the entries of an object when its index handler fails.

use std::sync::Mutex;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::prelude::*;
use tokio::time::{Instant, sleep};

use super::{View, by_role, content, create_map, entry, merge_map, until_it_holds};
use crate::bench::{Bench, Status};

/// The attempts: their numbers, and when they were made.
#[derive(Clone, Default)]
struct Attempts(Arc<Mutex<Vec<(u32, Instant)>>>);

impl Attempts {
    fn numbers(&self) -> Vec<u32> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|(retry, _)| *retry)
            .collect()
    }

    /// The pause before the last one.
    fn last_pause(&self) -> Duration {
        let attempts = self.0.lock().unwrap();
        let times: Vec<_> = attempts.iter().map(|(_, at)| *at).collect();
        times[times.len() - 1] - times[times.len() - 2]
    }
}

/// A cluster, what is seen of the indices there, and no attempts yet.
async fn scene() -> (Bench, View, Attempts) {
    let bench = Bench::new(Status::Open).await;
    (bench, View::default(), Attempts::default())
}

/// An index whose handler fails as long as `data.value` says so, and counts its attempts.
fn failing(builder: on::Builder<on::Index>, attempts: &Attempts, temporary: u32) -> Registry {
    let attempts = attempts.clone();
    let handler = builder.run(move |map: Body, attempt: Attempt| {
        attempts
            .0
            .lock()
            .unwrap()
            .push((attempt.retry, Instant::now()));
        let failure: Result<()> = match map.as_value()["data"]["value"].as_str() {
            Some("error") => Err(HandlerError::from(std::io::Error::other("odd"))),
            Some("permanent") => Err(PermanentError::new("never").into()),
            Some("temporary") if attempt.retry < temporary => {
                Err(TemporaryError::new("later", Duration::from_secs(7)).into())
            }
            _ => Ok(()),
        };
        std::future::ready(failure.map(|()| entry(&map)))
    });
    Registry::new().add(handler)
}

#[tokio::test(start_paused = true)]
async fn an_error_leaves_the_index_as_it_was() {
    let (bench, view, attempts) = scene().await;
    let running = bench
        .start(view.seen(failing(by_role(), &attempts, 0)))
        .await;
    create_map(&bench, "a", Some("x"), "1").await;
    until_it_holds(&bench, &view, &[("x", &["1"])]).await;
    merge_map(&bench, "a", json!({"data": {"value": "error"}})).await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(attempts.numbers(), [0, 0]);
    assert_eq!(view.of("by_role"), content(&[("x", &["1"])]));
    merge_map(&bench, "a", json!({"data": {"value": "2"}})).await;
    until_it_holds(&bench, &view, &[("x", &["2"])]).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_temporary_error_takes_the_object_out_until_it_is_tried_again() {
    let (bench, view, attempts) = scene().await;
    let running = bench
        .start(view.seen(failing(by_role(), &attempts, 2)))
        .await;
    create_map(&bench, "a", Some("x"), "1").await;
    until_it_holds(&bench, &view, &[("x", &["1"])]).await;
    merge_map(&bench, "a", json!({"data": {"value": "temporary"}})).await;
    until_it_holds(&bench, &view, &[]).await;
    until_it_holds(&bench, &view, &[("x", &["temporary"])]).await;
    assert_eq!(attempts.numbers(), [0, 0, 1, 2]);
    let pause = attempts.last_pause();
    assert!(
        pause >= Duration::from_secs(7) && pause < Duration::from_secs(9),
        "{pause:?}"
    );
    sleep(Duration::from_secs(600)).await;
    assert_eq!(attempts.numbers().len(), 4, "success is the end of it");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_during_the_delay_does_not_hurry_it() {
    let (bench, view, attempts) = scene().await;
    let running = bench
        .start(view.seen(failing(by_role(), &attempts, 1)))
        .await;
    create_map(&bench, "a", Some("x"), "temporary").await;
    bench
        .until("the first attempt", || async {
            attempts.numbers().len() == 1
        })
        .await;
    merge_map(&bench, "a", json!({"data": {"value": "2"}})).await;
    until_it_holds(&bench, &view, &[("x", &["2"])]).await;
    assert_eq!(attempts.numbers(), [0, 1]);
    assert!(attempts.last_pause() >= Duration::from_secs(7));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn those_that_have_succeeded_do_not_repeat_the_attempts_of_others() {
    let (bench, view, seldom) = scene().await;
    let often = Attempts::default();
    let other = on::index::<ConfigMap>().id("other");
    let registry = failing(by_role(), &seldom, 1).merge(&failing(other, &often, 3));
    let running = bench.start(view.seen(registry)).await;
    create_map(&bench, "a", Some("x"), "temporary").await;
    bench
        .until("the last attempt", || async { often.numbers().len() == 4 })
        .await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(often.numbers(), [0, 1, 2, 3]);
    assert_eq!(seldom.numbers(), [0, 1]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_match_any_more_is_not_waited_for() {
    let (bench, view, attempts) = scene().await;
    let running = bench
        .start(view.seen(failing(by_role().label("role", PRESENT), &attempts, 1)))
        .await;
    create_map(&bench, "a", Some("x"), "temporary").await;
    bench
        .until("the first attempt", || async {
            attempts.numbers().len() == 1
        })
        .await;
    merge_map(&bench, "a", json!({"metadata": {"labels": {"role": null}}})).await;
    // Paused time stands still while an object is looked at again and again.
    let (tell, too_late) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(60));
        tell.send(())
    });
    tokio::select! {
        () = sleep(Duration::from_secs(600)) => {}
        _ = too_late => panic!("it is looked at all the time"),
    }
    assert_eq!(attempts.numbers(), [0]);
    merge_map(&bench, "a", json!({"metadata": {"labels": {"role": "x"}}})).await;
    until_it_holds(&bench, &view, &[("x", &["temporary"])]).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_takes_the_object_out_for_good() {
    let (bench, view, attempts) = scene().await;
    let running = bench
        .start(view.seen(failing(by_role(), &attempts, 0)))
        .await;
    create_map(&bench, "a", Some("x"), "1").await;
    create_map(&bench, "b", Some("x"), "2").await;
    until_it_holds(&bench, &view, &[("x", &["1", "2"])]).await;
    merge_map(&bench, "a", json!({"data": {"value": "permanent"}})).await;
    until_it_holds(&bench, &view, &[("x", &["2"])]).await;
    merge_map(&bench, "a", json!({"data": {"value": "3"}})).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(view.of("by_role"), content(&[("x", &["2"])]));
    running.stop().await;
    let running = bench
        .start(view.seen(failing(by_role(), &attempts, 0)))
        .await;
    until_it_holds(&bench, &view, &[("x", &["3", "2"])]).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn errors_are_what_the_options_say() {
    let (bench, view, attempts) = scene().await;
    let builder = by_role()
        .errors(ErrorsMode::Temporary)
        .backoff(Duration::from_secs(5))
        .retries(3);
    let running = bench.start(view.seen(failing(builder, &attempts, 0))).await;
    create_map(&bench, "a", Some("x"), "error").await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(attempts.numbers(), [0, 1, 2]);
    assert!(view.of("by_role").is_empty());
    running.stop().await;
}

/// A config map whose value is a number.
#[derive(Clone, Debug, Deserialize)]
struct Numbered {
    data: std::collections::BTreeMap<String, String>,
}

#[tokio::test(start_paused = true)]
async fn an_object_that_panics_or_does_not_fit_harms_no_other() {
    let (bench, view) = (Bench::new(Status::Open).await, View::default());
    let handler = by_role().run(async |map: Body| {
        let numbered: Numbered = serde_json::from_value(map.as_value().clone()).unwrap();
        let number: u32 = numbered.data["value"].parse().expect("a number");
        vec![("n".to_owned(), number.to_string())]
    });
    let typed = on::index::<ConfigMap>()
        .id("typed")
        .run(async |map: Arc<ConfigMap>| {
            vec![(map.metadata.name.clone().unwrap_or_default(), String::new())]
        });
    let registry = Registry::new().add(handler).add(typed);
    create_map(&bench, "odd", None, "one").await;
    create_map(&bench, "even", None, "2").await;
    let running = bench.start(view.seen(registry)).await;
    bench
        .until("the index", || async {
            view.of("by_role")
                .contains(&("n".to_owned(), vec!["2".to_owned()]))
        })
        .await;
    assert!(view.of("typed").iter().any(|(name, _)| name == "odd"));
    merge_map(&bench, "odd", json!({"data": {"value": "1"}})).await;
    bench
        .until("the mended object", || async {
            view.of("by_role")[0].1.contains(&"1".to_owned())
        })
        .await;
    running.stop().await;
}
