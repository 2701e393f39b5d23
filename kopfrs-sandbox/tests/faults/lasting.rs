//! What changes a watch's stream from some event on: copies, delays, no bookmarks.

use std::time::Duration;

use futures::FutureExt;
use kopfrs_sandbox::fault::{Fault, On, StreamFault};
use tokio::time::{Instant, timeout};

use crate::{
    streams::{next, watch, watch_with},
    subject::{Subject, both_ways},
};

fn watches() -> On {
    On::verb("watch").resource("configmaps")
}

#[test]
fn events_come_twice_from_as_many_on_as_asked() {
    both_ways(|subject| {
        async move {
            for name in ["a", "b", "c"] {
                subject.truth().create(name).await.expect("created");
            }
            let twice = Fault::stream(StreamFault::Duplicate).after_events(1);
            let injected = subject.faults.inject(twice.on(watches()));
            let mut lines = watch(&subject).await;
            for name in ["a", "b", "b", "c", "c"] {
                assert_eq!(next(&mut lines).await, name);
            }
            injected.remove();
            subject.truth().create("d").await.expect("created");
            subject.truth().create("e").await.expect("created");
            assert_eq!(next(&mut lines).await, "d");
            assert_eq!(next(&mut lines).await, "e");
            assert_eq!(injected.hits(), 1, "one stream");
        }
        .boxed()
    });
}

#[tokio::test(start_paused = true)]
async fn events_are_held_back_in_their_order() {
    let subject = Subject::in_process();
    let second = Duration::from_secs(1);
    let late = Fault::stream(StreamFault::HoldBack(5 * second)).after_events(1);
    subject.faults.inject(late.on(watches()));
    subject.truth().create("a").await.expect("created");
    let mut lines = watch(&subject).await;
    let start = Instant::now();
    assert_eq!(next(&mut lines).await, "a");
    assert_eq!(start.elapsed(), Duration::ZERO);
    let truth = subject.truth();
    tokio::spawn(async move {
        for name in ["b", "c"] {
            tokio::time::sleep(second).await;
            truth.create(name).await.expect("created");
        }
    });
    assert_eq!(next(&mut lines).await, "b");
    assert_eq!(start.elapsed(), 6 * second);
    assert_eq!(next(&mut lines).await, "c");
    assert_eq!(start.elapsed(), 7 * second);
}

#[test]
fn what_is_held_back_goes_on_when_the_rule_goes() {
    both_ways(|subject| {
        async move {
            let hour = Duration::from_secs(3600);
            let late = Fault::stream(StreamFault::HoldBack(hour));
            let injected = subject.faults.inject(late.on(watches()));
            for name in ["a", "b"] {
                subject.truth().create(name).await.expect("created");
            }
            let mut lines = watch(&subject).await;
            let mut waiting = Box::pin(next(&mut lines));
            let patience = Duration::from_millis(50);
            assert!(timeout(patience, &mut waiting).await.is_err());
            assert_eq!(injected.hits(), 1);
            injected.remove();
            assert_eq!(waiting.await, "a");
            assert_eq!(next(&mut lines).await, "b");
        }
        .boxed()
    });
}

#[tokio::test(start_paused = true)]
async fn what_is_held_back_comes_before_the_end_and_is_lost_when_the_stream_breaks() {
    let subject = Subject::in_process();
    let second = Duration::from_secs(1);
    let late = Fault::stream(StreamFault::HoldBack(60 * second));
    subject.faults.inject(late.on(watches()));
    subject.truth().create("a").await.expect("created");
    let start = Instant::now();
    let mut lines = watch_with(&subject, "timeoutSeconds=10").await;
    assert_eq!(next(&mut lines).await, "a");
    assert_eq!(next(&mut lines).await, "end");
    assert_eq!(start.elapsed(), 60 * second);

    let mut lines = watch(&subject).await;
    let mut waiting = Box::pin(next(&mut lines));
    assert!(timeout(second, &mut waiting).await.is_err());
    subject.faults.strike(&watches(), StreamFault::Break);
    assert_eq!(waiting.await, "broken");
}

#[tokio::test(start_paused = true)]
async fn changes_go_together_with_each_other_and_with_what_ends_a_stream() {
    let subject = Subject::in_process();
    let second = Duration::from_secs(1);
    for name in ["a", "b", "c"] {
        subject.truth().create(name).await.expect("created");
    }
    for fault in [
        StreamFault::HoldBack(5 * second),
        StreamFault::Duplicate,
        StreamFault::HoldBack(7 * second),
    ] {
        subject.faults.inject(Fault::stream(fault).on(watches()));
    }
    let broken = Fault::stream(StreamFault::Expired).after_events(2);
    subject.faults.inject(broken.on(watches()));
    let start = Instant::now();
    let mut lines = watch(&subject).await;
    for expected in ["a", "a", "b", "b", "410", "end"] {
        assert_eq!(next(&mut lines).await, expected);
        assert_eq!(start.elapsed(), 7 * second, "the longest delay counts");
    }
}

#[tokio::test(start_paused = true)]
async fn bookmarks_are_left_out_but_for_the_promised_one() {
    let subject = Subject::in_process();
    let none = Fault::stream(StreamFault::NoBookmarks);
    let injected = subject.faults.inject(none.on(watches()));
    subject.truth().create("a").await.expect("created");
    let query = "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let mut lines = watch_with(&subject, query).await;
    assert_eq!(next(&mut lines).await, "a");
    assert_eq!(next(&mut lines).await, "bookmark");
    let hour = Duration::from_secs(3600);
    assert!(timeout(hour, next(&mut lines)).await.is_err());
    assert_eq!(injected.hits(), 1);
    injected.remove();
    assert_eq!(next(&mut lines).await, "bookmark");
}

#[test]
fn open_streams_are_changed_on_command() {
    both_ways(|subject| {
        async move {
            let mut lines = watch(&subject).await;
            subject.truth().create("a").await.expect("created");
            assert_eq!(next(&mut lines).await, "a");
            let twice = subject.faults.strike(&watches(), StreamFault::Duplicate);
            subject.truth().create("b").await.expect("created");
            assert_eq!(next(&mut lines).await, "b");
            assert_eq!(next(&mut lines).await, "b");
            assert_eq!(twice.hits(), 1);
        }
        .boxed()
    });
}
