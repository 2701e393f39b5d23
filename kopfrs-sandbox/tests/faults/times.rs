//! When rules are in force, how long requests wait, and for whom.

use std::time::Duration;

use kopfrs_sandbox::{
    Sandbox,
    fault::{Fault, On, StreamFault},
};
use kube::Client;
use serde_json::json;
use tokio::time::{Instant, advance, timeout};

use crate::{
    streams::{next, watch},
    subject::{Maps, Subject, refusal},
};

const SECOND: Duration = Duration::from_secs(1);

/// The status codes of so many reads, a second apart; 404 is what a read gets that is not struck.
async fn codes(maps: &Maps, reads: usize) -> Vec<u16> {
    let mut codes = Vec::new();
    for _ in 0..reads {
        codes.push(refusal(maps.0.get("none").await).code);
        advance(SECOND).await;
    }
    codes
}

#[tokio::test(start_paused = true)]
async fn counts_say_which_requests_are_struck() {
    let on = || Fault::status(500).on(On::verb("get"));
    for (rule, struck) in [
        (on().first(2), &[1, 2][..]),
        (on().nth(3), &[3]),
        (on().every(3), &[3, 6, 9]),
        (on().skip(3).every(2).times(2), &[5, 7]),
        (on().every(0), &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ] {
        let subject = Subject::in_process();
        let text = format!("{rule:?}");
        let injected = subject.faults.inject(rule);
        let codes = codes(&subject.maps(), 9).await;
        let found: Vec<usize> = (1..)
            .zip(codes)
            .filter(|row| row.1 == 500)
            .map(|row| row.0)
            .collect();
        assert_eq!(found, struck, "{text}");
        assert_eq!(injected.hits(), struck.len());
    }
}

#[tokio::test(start_paused = true)]
async fn rules_begin_and_end_at_their_times() {
    let now = Instant::now();
    let on = || Fault::status(500).on(On::verb("get"));
    for (rule, struck) in [
        (on().lasting(3 * SECOND), &[0, 1, 2][..]),
        (on().starting_in(2 * SECOND), &[2, 3, 4, 5]),
        (on().starting_in(2 * SECOND).lasting(2 * SECOND), &[2, 3]),
        // What comes before the beginning does not count.
        (on().starting_in(2 * SECOND).skip(1).times(2), &[3, 4]),
        (on().ending_at(now), &[]),
        (on().lasting(Duration::MAX), &[0, 1, 2, 3, 4, 5]),
        (on().starting_in(Duration::MAX), &[]),
    ] {
        let subject = Subject::in_process();
        let text = format!("{rule:?}");
        subject.faults.inject(rule);
        let codes = codes(&subject.maps(), 6).await;
        let found: Vec<usize> = (0..)
            .zip(codes)
            .filter(|row| row.1 == 500)
            .map(|row| row.0)
            .collect();
        assert_eq!(found, struck, "{text}");
    }
    let subject = Subject::in_process();
    let (start, end) = (Instant::now() + SECOND, Instant::now() + 3 * SECOND);
    subject
        .faults
        .inject(on().starting_at(start).ending_at(end));
    assert_eq!(codes(&subject.maps(), 4).await, [404, 500, 500, 404]);
}

#[tokio::test(start_paused = true)]
async fn what_hangs_or_stalls_goes_on_when_the_time_of_the_rule_is_over() {
    let subject = Subject::in_process();
    let hang = Fault::hang().on(On::verb("create")).lasting(10 * SECOND);
    subject.faults.inject(hang);
    let start = Instant::now();
    subject.maps().create("a").await.expect("created");
    assert_eq!(start.elapsed(), 10 * SECOND);

    let stall = Fault::stream(StreamFault::Stall).on(On::verb("watch"));
    subject.faults.inject(stall.lasting(10 * SECOND));
    let mut lines = watch(&subject).await;
    assert_eq!(next(&mut lines).await, "a");
    assert_eq!(start.elapsed(), 20 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_by_itself_if_asked_for() {
    let subject = Subject::in_process();
    subject.faults.take_down_for(30 * SECOND);
    let maps = subject.maps();
    assert!(maps.create("a").await.is_err());
    advance(29 * SECOND).await;
    assert!(maps.create("a").await.is_err());
    advance(SECOND).await;
    maps.create("a").await.expect("created");
    subject.faults.take_down_for(Duration::MAX);
    assert!(maps.0.get("a").await.is_err());
    subject.faults.bring_up();
    maps.0.get("a").await.expect("read");
}

#[tokio::test(start_paused = true)]
async fn latency_varies_between_its_bounds_as_the_seed_says() {
    let (least, most) = (SECOND, 9 * SECOND);
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        let subject = Subject::in_process();
        let slow = Fault::delay_between(least, most, seed);
        subject.faults.inject(slow.on(On::verb("get")));
        let mut waits = Vec::new();
        for _ in 0..20 {
            let start = Instant::now();
            let _ = subject.maps().0.get("none").await;
            waits.push(start.elapsed());
        }
        assert!(
            waits
                .iter()
                .all(|wait| (least..=most + SECOND).contains(wait))
        );
        assert!(waits.iter().any(|wait| *wait > 5 * SECOND), "{waits:?}");
        runs.push(waits);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test(start_paused = true)]
async fn rules_may_be_for_one_user_and_for_some_bodies() {
    let sandbox = Sandbox::new();
    let token = |user: &str| sandbox.tokens().issue(user, ["developers"]);
    let maps = |client: Client| Maps(kube::Api::default_namespaced(client));
    let alice = maps(sandbox.client_with_token(&token("alice")));
    let bob = maps(sandbox.client_with_token(&token("bob")));
    let refused = sandbox
        .faults()
        .inject(Fault::status(403).on(On::writes().user("alice")));
    assert_eq!(refusal(alice.create("a").await).code, 403);
    bob.create("a").await.expect("created");
    // Whoever shows no token in-process is the administrator.
    let admin = On::verb("get").user("kubernetes-admin");
    sandbox.faults().inject(Fault::status(500).on(admin));
    assert!(maps(sandbox.client()).0.get("a").await.is_err());
    alice.0.get("a").await.expect("read");
    refused.remove();

    let set = On::verb("patch").body(json!({"data": {"value": "2"}}));
    let injected = sandbox.faults().inject(Fault::status(409).on(set));
    bob.set("a", "1").await.expect("set");
    assert_eq!(refusal(bob.set("a", "2").await).code, 409);
    assert_eq!(injected.hits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rule_ends_with_its_scope_or_stays_without_one() {
    let subject = Subject::in_process();
    let maps = subject.maps();
    {
        let on = On::verb("get");
        let _scope = subject.faults.inject(Fault::hang().on(on)).scoped();
        assert!(timeout(SECOND, maps.0.get("none")).await.is_err());
    }
    assert_eq!(refusal(maps.0.get("none").await).code, 404);
    drop(subject.faults.inject(Fault::status(500).on(On::any())));
    assert_eq!(refusal(maps.0.get("none").await).code, 500);
}
