//! Which requests are struck, and how often.

use futures::FutureExt;
use kopfrs_sandbox::fault::{Fault, On, Rule};
use kube::api::ListParams;

use crate::subject::{Subject, both_ways, refusal};

#[test]
fn a_rule_strikes_as_often_as_it_says() {
    both_ways(|subject| {
        async move {
            let rule = Rule::new(On::verb("get"), Fault::status(500))
                .skip(2)
                .times(2);
            let injected = subject.faults.inject(rule);
            let maps = subject.maps();
            let mut codes = Vec::new();
            for _ in 0..6 {
                codes.push(refusal(maps.0.get("a").await).code);
            }
            assert_eq!(codes, [404, 404, 500, 500, 404, 404]);
            assert_eq!(injected.hits(), 2);
        }
        .boxed()
    });
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_asked_for_must_hold() {
    let subject = Subject::in_process();
    let maps = subject.maps();
    maps.create("a").await.expect("created");
    let core = On::any().group("").resource("configmaps");
    let rows = [
        (On::verb("patch"), true),
        (On::writes(), true),
        (On::verbs(["get", "patch"]), true),
        (On::verb("update"), false),
        (core.clone(), true),
        (core.clone().subresource(""), true),
        (core.clone().subresource("status"), false),
        (core.clone().namespace("default").name("a"), true),
        (core.clone().namespace("other"), false),
        (core.clone().name("b"), false),
        (On::any().group("apps"), false),
        (On::any().resource("secrets"), false),
        (On::any().user_agent("nobody/"), false),
        (
            On::any().when(|request| request.content_type().contains("merge")),
            true,
        ),
        (On::any().when(|request| request.body().is_none()), false),
    ];
    for (on, expected) in rows {
        let text = format!("{on:?}");
        let injected = subject.faults.inject(Rule::new(on, Fault::status(500)));
        let struck = maps.set("a", "1").await.is_err();
        assert_eq!(struck, expected, "{text}");
        assert_eq!(injected.hits(), usize::from(expected));
        injected.remove();
    }
    assert!(maps.set("a", "2").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_first_rule_strikes_and_removed_ones_do_not() {
    let subject = Subject::in_process();
    let maps = subject.maps();
    let first = subject
        .faults
        .inject(Rule::new(On::any(), Fault::status(503)));
    let second = subject
        .faults
        .inject(Rule::new(On::any(), Fault::status(504)));
    assert_eq!(refusal(maps.0.get("a").await).code, 503);
    first.remove();
    assert_eq!(refusal(maps.0.get("a").await).code, 504);
    assert_eq!((first.hits(), second.hits()), (1, 1));
    subject.faults.clear();
    assert!(maps.0.list(&ListParams::default()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn chance_is_the_same_in_every_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let subject = Subject::in_process();
        let rule = Rule::new(On::verb("get"), Fault::status(500)).probability(0.5, 11);
        let injected = subject.faults.inject(rule);
        let maps = subject.maps();
        let mut codes = Vec::new();
        for _ in 0..40 {
            codes.push(refusal(maps.0.get("a").await).code);
        }
        assert!((5..35).contains(&injected.hits()), "{injected:?}");
        runs.push(codes);
    }
    assert_eq!(runs[0], runs[1]);
}
