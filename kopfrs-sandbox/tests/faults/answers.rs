//! Answers that the server never gave, and those that it gave but nobody got.

use std::time::Duration;

use futures::FutureExt;
use kopfrs_sandbox::fault::{Fault, On, Rule};
use tokio::time::timeout;

use crate::subject::{both_ways, is_broken, refusal};

#[test]
fn every_code_comes_with_the_reason_of_a_real_server() {
    both_ways(|subject| {
        async move {
            for (code, reason) in [
                (401, "Unauthorized"),
                (403, "Forbidden"),
                (404, "NotFound"),
                (409, "Conflict"),
                (410, "Expired"),
                (422, "Invalid"),
                (429, "TooManyRequests"),
                (500, "InternalError"),
                (503, "ServiceUnavailable"),
                (504, "Timeout"),
            ] {
                let rule = Rule::new(On::verb("patch"), Fault::status(code)).times(1);
                let injected = subject.faults.inject(rule);
                let status = refusal(subject.maps().set("a", "1").await);
                assert_eq!((status.code, &*status.reason), (code, reason));
                assert_eq!(injected.hits(), 1);
            }
            let rule = Rule::new(On::verb("patch"), Fault::status(502)).times(1);
            subject.faults.inject(rule);
            assert_eq!(refusal(subject.maps().set("a", "1").await).code, 502);
        }
        .boxed()
    });
}

#[test]
fn a_429_says_how_long_to_wait() {
    both_ways(|subject| {
        async move {
            let fault = Fault::status(429).retry_after(7);
            subject.faults.inject(Rule::new(On::any(), fault));
            let details = refusal(subject.maps().create("a").await).details;
            assert_eq!(details.expect("details").retry_after_seconds, 7);

            let request = http::Request::get("/version").body(kube::client::Body::empty());
            let answer = subject.client.send(request.expect("a request")).await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.headers()["retry-after"], "7");
        }
        .boxed()
    });
}

#[test]
fn before_the_effect_nothing_happens_and_after_it_everything_has() {
    both_ways(|subject| {
        async move {
            let (maps, truth) = (subject.maps(), subject.truth());
            for (name, fault, takes_effect) in [
                ("a", Fault::status(500), false),
                ("b", Fault::status(500).after_effect(), true),
                ("c", Fault::reset(), false),
                ("d", Fault::reset().after_effect(), true),
                ("e", Fault::garbage(), false),
                ("f", Fault::garbage().after_effect(), true),
            ] {
                let on = On::verb("create").resource("configmaps").name(name);
                let injected = subject.faults.inject(Rule::new(on, fault).times(1));
                assert!(maps.create(name).await.is_err(), "{name}");
                assert_eq!(truth.exists(name).await, takes_effect, "{name}");
                assert_eq!(injected.hits(), 1);
            }
        }
        .boxed()
    });
}

#[test]
fn a_reset_is_no_answer() {
    both_ways(|subject| {
        async move {
            subject
                .faults
                .inject(Rule::new(On::verb("get"), Fault::reset()).times(1));
            let maps = subject.maps();
            let result = maps.0.get("a").await;
            assert!(is_broken(&result), "{result:?}");
            assert_eq!(refusal(maps.0.get("a").await).code, 404);
            let requests = subject.journal.requests();
            assert_eq!(requests[0].status(), None);
            assert_eq!(requests[0].fault(), Some("injected reset"));
            assert_eq!(requests[1].fault(), None);
        }
        .boxed()
    });
}

#[test]
fn what_hangs_goes_on_when_the_rule_goes() {
    both_ways(|subject| {
        async move {
            let on = On::verb("create").resource("configmaps");
            let injected = subject.faults.inject(Rule::new(on, Fault::hang()));
            let maps = subject.maps();
            let creating = tokio::spawn(async move { maps.create("a").await });
            injected.until_hits(1).await;
            assert!(!subject.truth().exists("a").await);
            injected.remove();
            let created = creating.await.expect("no panic");
            assert!(created.is_ok());
            assert!(subject.maps().create("b").await.is_ok());
        }
        .boxed()
    });
}

#[tokio::test(start_paused = true)]
async fn a_hanging_write_has_taken_effect_if_asked_for() {
    let subject = crate::subject::Subject::in_process();
    let on = On::verb("create").resource("configmaps").name("a");
    let fault = Fault::hang().after_effect();
    subject.faults.inject(Rule::new(on, fault));
    let patience = Duration::from_secs(3600);
    let waited = timeout(patience, subject.maps().create("a")).await;
    assert!(waited.is_err());
    assert!(subject.truth().exists("a").await);
}

#[tokio::test(start_paused = true)]
async fn delays_take_their_time_and_add_up() {
    let subject = crate::subject::Subject::in_process();
    let second = Duration::from_secs(1);
    let before = Fault::delay(5 * second);
    let after = Fault::delay(7 * second).after_effect();
    subject.faults.inject(Rule::new(On::writes(), before));
    subject.faults.inject(Rule::new(On::writes(), after));
    let start = tokio::time::Instant::now();
    let maps = subject.maps();
    let creating = tokio::spawn(async move { maps.create("a").await });
    tokio::time::sleep(4 * second).await;
    assert!(!subject.truth().exists("a").await);
    tokio::time::sleep(2 * second).await;
    assert!(subject.truth().exists("a").await);
    assert!(creating.await.expect("no panic").is_ok());
    assert_eq!(start.elapsed(), 12 * second);
}

#[test]
fn bodies_may_be_anything() {
    both_ways(|subject| {
        async move {
            let fault = Fault::status(503).body("text/html", "<h1>busy</h1>");
            subject.faults.inject(Rule::new(On::any(), fault));
            let request = http::Request::get("/version").body(Vec::new());
            let text = subject
                .client
                .request_text(request.expect("a request"))
                .await;
            assert_eq!(refusal(text).code, 503);
        }
        .boxed()
    });
}
