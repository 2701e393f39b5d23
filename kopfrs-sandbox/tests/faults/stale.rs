//! Reads of the past.

use std::time::Duration;

use futures::{FutureExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs_sandbox::{
    Proxy, Sandbox,
    fault::{Fault, On, RuleError},
};
use kube::{
    Client,
    api::{ListParams, WatchEvent, WatchParams},
};

use crate::subject::{Maps, Subject, both_ports, refusal};

fn value(map: &ConfigMap) -> &str {
    let data = map.data.as_ref();
    data.and_then(|data| data.get("value"))
        .map_or("", String::as_str)
}

/// Names and values of a list.
async fn listed(maps: &Maps, params: &ListParams) -> Vec<(String, String)> {
    let list = maps.0.list(params).await.expect("a list");
    let maps = list.items.iter();
    maps.map(|map| {
        (
            map.metadata.name.clone().unwrap_or_default(),
            value(map).to_owned(),
        )
    })
    .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn a_read_of_some_events_ago_sees_what_was_there() {
    both_ports(|subject| {
        async move {
            let (maps, truth) = (subject.maps(), subject.truth());
            for name in ["a", "b"] {
                truth.create(name).await.expect("created");
            }
            truth.set("a", "1").await.expect("set");
            truth.set("a", "2").await.expect("set");
            truth
                .0
                .delete("b", &kube::api::DeleteParams::default())
                .await
                .expect("deleted");
            let all = ListParams::default();
            for (events, expected) in [
                (0, &[("a", "2")][..]),
                (1, &[("a", "2"), ("b", "")]),
                (2, &[("a", "1"), ("b", "")]),
                (3, &[("a", ""), ("b", "")]),
                (4, &[("a", "")]),
                (5, &[]),
                (99, &[]),
            ] {
                let rule = Fault::stale(events).on(On::reads().resource("configmaps"));
                let stale = subject.faults.inject(rule).scoped();
                assert_eq!(listed(&maps, &all).await, pairs(expected), "{events}");
                let read = maps.0.get_opt("a").await.expect("answered");
                let found = expected.iter().find(|(name, _)| *name == "a");
                assert_eq!(
                    read.as_ref().map(value),
                    found.map(|(_, value)| *value),
                    "{events}"
                );
                assert_eq!(stale.hits(), 2);
            }
            assert_eq!(listed(&maps, &all).await, pairs(&[("a", "2")]));
        }
        .boxed()
    });
}

#[test]
fn what_was_read_in_the_past_meets_its_conflict() {
    both_ports(|subject| {
        async move {
            let maps = subject.maps();
            maps.create("a").await.expect("created");
            maps.set("a", "1").await.expect("set");
            subject.faults.inject(Fault::stale(1).on(On::verb("get")));
            let old = maps.0.get("a").await.expect("read");
            let replaced = maps
                .0
                .replace("a", &kube::api::PostParams::default(), &old)
                .await;
            assert_eq!(refusal(replaced).code, 409);
            let requests = subject.journal.requests().disturbed();
            assert_eq!(
                requests[0].fault(),
                Some("injected stale read of 1 events ago")
            );
        }
        .boxed()
    });
}

#[test]
fn a_frozen_cache_learns_nothing_until_the_rule_goes() {
    both_ports(|subject| {
        async move {
            let (maps, truth) = (subject.maps(), subject.truth());
            truth.create("a").await.expect("created");
            // Only what a real server answers from its cache.
            let on = On::reads().resource("configmaps").cached();
            let frozen = subject.faults.inject(Fault::frozen().on(on));
            truth.create("b").await.expect("created");
            let cached = ListParams::default().match_any();
            assert_eq!(listed(&maps, &cached).await.len(), 1);
            assert_eq!(listed(&maps, &ListParams::default()).await.len(), 2);
            let newest = truth.create("c").await.expect("created");
            let version = newest.metadata.resource_version.expect("a version");
            // The cache of a real server says that it is not that far.
            let at_least = ListParams::default()
                .at(&version)
                .matching(kube::api::VersionMatch::NotOlderThan);
            let refused = refusal(maps.0.list(&at_least).await);
            assert_eq!((refused.code, &*refused.reason), (504, "Timeout"));
            frozen.remove();
            assert_eq!(listed(&maps, &at_least).await.len(), 3);
        }
        .boxed()
    });
}

#[test]
fn a_watch_begins_in_the_past_and_catches_up() {
    both_ports(|subject| {
        async move {
            let truth = subject.truth();
            truth.create("a").await.expect("created");
            truth.set("a", "1").await.expect("set");
            truth.create("b").await.expect("created");
            subject.faults.inject(Fault::stale(2).on(On::verb("watch")));
            let streaming = WatchParams::default().initial_events().timeout(3);
            for params in [WatchParams::default().timeout(1), streaming] {
                let events = subject.maps().0.watch(&params, "0").await;
                let events: Vec<_> = events
                    .expect("watching")
                    .try_collect()
                    .await
                    .expect("events");
                let seen: Vec<String> = events
                    .iter()
                    .map(|event| match event {
                        WatchEvent::Added(map) => format!("added {}", value(map)),
                        WatchEvent::Modified(map) => format!("modified {}", value(map)),
                        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                let end_of_list = params.send_initial_events.then_some("bookmark");
                let expected = ["added "]
                    .into_iter()
                    .chain(end_of_list)
                    .chain(["modified 1", "added "]);
                let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
                // With a deadline a last bookmark comes before the end.
                let expected: Vec<&str> = expected.collect();
                assert_eq!(seen[..expected.len()], expected);
            }
        }
        .boxed()
    });
}

#[tokio::test(start_paused = true)]
async fn a_lag_is_a_time() {
    let subject = Subject::in_process();
    let (maps, truth) = (subject.maps(), subject.truth());
    let second = Duration::from_secs(1);
    for name in ["a", "b", "c"] {
        truth.create(name).await.expect("created");
        tokio::time::advance(10 * second).await;
    }
    let all = ListParams::default();
    let moment = tokio::time::Instant::now() - 15 * second;
    for (fault, expected) in [
        (Fault::stale_by(second), 3),
        (Fault::stale_by(10 * second), 3),
        (Fault::stale_by(11 * second), 2),
        (Fault::stale_since(moment), 2),
        (Fault::stale_by(31 * second), 0),
    ] {
        let on = On::verb("list").resource("configmaps");
        let _stale = subject.faults.inject(fault.on(on)).scoped();
        assert_eq!(listed(&maps, &all).await.len(), expected);
    }
    let first = truth.0.get("a").await.expect("read");
    let version = first.metadata.resource_version.expect("a version");
    let fault = Fault::stale_at(version.parse().expect("a number"));
    subject.faults.inject(fault.on(On::reads()));
    assert_eq!(listed(&maps, &all).await.len(), 1);
}

#[tokio::test]
async fn a_proxy_refuses_stale_reads_with_the_way_out() {
    let server = Sandbox::new().serve().await.expect("serving");
    let proxy = Proxy::start(server.config()).await.expect("a proxy");
    let refused = proxy.faults().try_inject(Fault::frozen().on(On::reads()));
    let error = refused.expect_err("no history");
    assert_eq!(error, RuleError::NoHistory);
    assert!(error.to_string().contains("StreamFault::HoldBack"));
    // Nothing has been left behind.
    let client = Client::try_from(proxy.config()).expect("a client");
    client.apiserver_version().await.expect("a version");
}
