//! What happens to open watches.

use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt, future::BoxFuture};
use http::Request;
use http_body_util::BodyExt;
use kopfrs_sandbox::fault::{Fault, On, Rule, StreamFault};
use kube::client::Body;
use tokio::time::timeout;

use crate::subject::{Subject, both_ways};

/// What a client reads of a watch: lines, or that the connection broke.
pub(crate) type Lines = std::pin::Pin<Box<dyn Stream<Item = Result<String, String>> + Send>>;

pub(crate) async fn watch(subject: &Subject) -> Lines {
    watch_with(subject, "allowWatchBookmarks=true").await
}

pub(crate) async fn watch_with(subject: &Subject, query: &str) -> Lines {
    let path = format!("/api/v1/namespaces/default/configmaps?watch=1&{query}");
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let answer = subject.client.send(request).await.expect("a stream");
    let body = answer.into_body();
    let chunks = futures::stream::unfold((body, String::new()), |(mut body, mut rest)| async {
        loop {
            if let Some(at) = rest.find('\n') {
                let line = rest.drain(..=at).collect::<String>();
                return Some((Ok(line), (body, rest)));
            }
            match body.frame().await {
                Some(Ok(frame)) => {
                    let data = frame.into_data().expect("data");
                    rest.push_str(&String::from_utf8_lossy(&data));
                }
                Some(Err(error)) => return Some((Err(error.to_string()), (body, rest))),
                None if rest.is_empty() => return None,
                None => return Some((Ok(std::mem::take(&mut rest)), (body, rest))),
            }
        }
    });
    // A broken stream is over.
    let mut broken = false;
    chunks
        .take_while(move |line| {
            let go_on = !broken;
            broken = line.is_err();
            std::future::ready(go_on)
        })
        .boxed()
}

/// The names in events, and what else there was.
fn told(line: &Result<String, String>) -> String {
    let Ok(line) = line else {
        return "broken".to_owned();
    };
    let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else {
        return if line.starts_with("{\"type\":") {
            "torn"
        } else {
            "garbage"
        }
        .to_owned();
    };
    match event["type"].as_str() {
        Some("ERROR") => event["object"]["code"].to_string(),
        Some("BOOKMARK") => "bookmark".to_owned(),
        _ => event["object"]["metadata"]["name"]
            .as_str()
            .unwrap_or("root")
            .to_owned(),
    }
}

pub(crate) async fn next(lines: &mut Lines) -> String {
    match lines.next().await {
        Some(line) => told(&line),
        None => "end".to_owned(),
    }
}

/// Three maps exist; a watch is opened with a fault after so many events. What does the client see?
fn check(fault: StreamFault, after: usize, expected: &'static [&'static str]) {
    both_ways(move |subject| {
        async move {
            for name in ["a", "b", "c"] {
                subject.truth().create(name).await.expect("created");
            }
            let on = On::verb("watch").resource("configmaps");
            let rule = Rule::new(on, Fault::stream(fault).after_events(after)).times(1);
            let injected = subject.faults.inject(rule);
            let mut lines = watch(&subject).await;
            let mut seen = Vec::new();
            for _ in expected {
                seen.push(next(&mut lines).await);
            }
            assert_eq!(seen, expected, "{fault:?}");
            assert_eq!(injected.hits(), 1);
            // The next watch is undisturbed.
            let mut lines = watch(&subject).await;
            for name in ["a", "b", "c"] {
                assert_eq!(next(&mut lines).await, name);
            }
        }
        .boxed()
    });
}

#[test]
fn streams_end_break_and_lie_after_as_many_events_as_asked() {
    check(StreamFault::End, 0, &["end"]);
    check(StreamFault::End, 2, &["a", "b", "end"]);
    check(StreamFault::Break, 1, &["a", "broken", "end"]);
    check(StreamFault::TornLine, 1, &["a", "torn", "end"]);
    check(StreamFault::GarbageLine, 2, &["a", "b", "garbage", "c"]);
    check(StreamFault::Expired, 2, &["a", "b", "410", "end"]);
    check(StreamFault::InternalError, 0, &["500", "end"]);
}

#[test]
fn a_stalled_stream_is_silent_and_loses_nothing() {
    both_ways(|subject| {
        async move {
            let on = On::verb("watch").resource("configmaps");
            let fault = Fault::stream(StreamFault::Stall).after_events(1);
            let injected = subject.faults.inject(Rule::new(on, fault));
            subject.truth().create("a").await.expect("created");
            let mut lines = watch(&subject).await;
            assert_eq!(next(&mut lines).await, "a");
            let mut waiting = Box::pin(next(&mut lines));
            // The stream is pulled by its reader.
            assert!(
                timeout(Duration::from_millis(1), &mut waiting)
                    .await
                    .is_err()
            );
            injected.until_hits(1).await;
            subject.truth().create("b").await.expect("created");
            assert!(
                timeout(Duration::from_millis(50), &mut waiting)
                    .await
                    .is_err()
            );
            injected.remove();
            assert_eq!(waiting.await, "b");
        }
        .boxed()
    });
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_has_no_bookmarks_either() {
    let subject = Subject::in_process();
    let on = On::verb("watch");
    let rule = Rule::new(on, Fault::stream(StreamFault::Stall));
    let injected = subject.faults.inject(rule);
    let mut lines = watch(&subject).await;
    let hour = Duration::from_secs(3600);
    assert!(timeout(hour, next(&mut lines)).await.is_err());
    injected.remove();
    assert_eq!(next(&mut lines).await, "bookmark");
}

#[test]
fn open_streams_are_struck_on_command() {
    let test = |subject: Subject| -> BoxFuture<'static, ()> {
        async move {
            let mut lines = watch(&subject).await;
            subject.truth().create("a").await.expect("created");
            assert_eq!(next(&mut lines).await, "a");
            assert_eq!(subject.journal.open_watches(), 1);

            let others = On::any().resource("secrets");
            subject.faults.strike(&others, StreamFault::Break);
            let stall = subject.faults.strike(&On::any(), StreamFault::Stall);
            let silence = timeout(Duration::from_millis(50), next(&mut lines)).await;
            assert!(silence.is_err());
            assert_eq!(stall.hits(), 1);

            let broken = subject.faults.strike(&On::any(), StreamFault::Break);
            assert_eq!(next(&mut lines).await, "broken");
            assert_eq!(broken.hits(), 1);
            subject
                .journal
                .until(|journal| journal.open_watches() == 0)
                .await;
        }
        .boxed()
    };
    both_ways(test);
}
