//! The judge notices what is not as expected: one wrong expectation after another against the same
//! log.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::calls;
use super::expectation::Expectation;
use super::judge::judge;
use super::place::Storage;
use super::player::Played;

/// A log of one object: a creation with a retry and a result, and a running update.
fn lines() -> Vec<Value> {
    let line = |ph: &str, t: f64, more: Value| {
        let mut line =
            json!({"ph": ph, "t": t, "pid": 7, "op": "main", "k": "kex", "name": "a", "uid": "u"});
        line.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        line
    };
    let call = |reason: &str, retry: u32, old: Value| {
        let new = json!({"spec": {"n": 1}});
        let diff = json!([["add", ["a"], null, 1], ["add", ["b"], null, 2]]);
        json!({"h": reason, "on": reason, "reason": reason, "retry": retry, "old": old, "new": new, "diff": diff})
    };
    let end = |reason: &str, retry: u32, outcome: &str| json!({"h": reason, "on": reason, "retry": retry, "outcome": outcome});
    let mut returned = end("create", 1, "return");
    returned["result"] = json!("done");
    returned["patch"] = json!({"status": {"x": 1}});
    let event = json!({"h": "e1", "on": "event", "type": "ADDED", "retry": 0});
    vec![
        json!({"ph": "activity", "pid": 7, "op": "main", "on": "startup", "h": "s1", "retry": 0}),
        line("start", 1.0, event),
        line("start", 2.0, call("create", 0, Value::Null)),
        line("end", 2.5, end("create", 0, "temporary")),
        line("start", 3.0, call("create", 1, Value::Null)),
        line("end", 3.5, returned),
        line("start", 4.0, call("update", 0, json!({"spec": {"n": 0}}))),
    ]
}

fn object() -> Value {
    json!({
        "apiVersion": "kopf.dev/v1",
        "metadata": {
            "finalizers": ["x", "kopfrs.dev/finalizer"],
            "labels": {"l": "1"},
            "annotations": {"a": "1", "kopfrs.dev/kopf-managed": "yes"},
            "generation": 2,
        },
        "spec": {"n": 1, "run": ["s1"], "script": {}},
        "status": {"x": 1, "handling": {"kopfrs.dev": {
            "lastHandledConfiguration": "{\"spec\":{\"n\":1}}",
            "progress": "{}",
        }}},
    })
}

fn expectation() -> Value {
    let new = json!({"spec": {"n": 1}});
    let diff = json!([["add", ["b"], null, 2], ["add", ["a"], null, 1]]);
    let call = |handler: &str, retry: u32, old: Value, outcome: &str| {
        json!({"handler": handler, "reason": handler, "retry": retry, "old": old, "new": new,
            "diff": diff, "outcome": outcome})
    };
    let mut second = call("create", 1, Value::Null, "return");
    second["result"] = json!("done");
    second["patch"] = json!({"status": {"x": 1}});
    json!({
        "calls": {"kex/a": [
            call("create", 0, Value::Null, "temporary"),
            second,
            call("update", 0, json!({"spec": {"n": 0}}), "killed"),
        ]},
        "calls_of": {"kex/a": {"update": [{"retry": 0, "new": {"$any": [1, new]}}]}},
        "events": {"kex/a": {"e1":
            {"first": "ADDED", "last_type_is_deleted": false, "listed": 0, "added": 1, "deleted": 0}}},
        "activities": [["startup:s1:0"]],
        "order": [["kex/a create end 0", "kex/a create start 1"]],
        "timing": [{"object": "kex/a", "handler": "create", "attempts": [0, 1], "min": 1.0, "max": 1.5}],
        "chain": {"object": "kex/a", "handlers": ["update"], "first_old": {"spec": {"n": 0}},
            "last_new": new, "calls_per_handler": [1, 2], "gapless": true},
        "final": {"kex/a": {
            "exists": true,
            "deleting": false,
            "finalizers": ["kopfrs.dev/finalizer", "x"],
            "labels": {"l": "1"},
            "annotations": {"a": "1"},
            "state": {"main": {"last_handled": new, "in_progress": true}},
            "generation": 2,
            "spec": {"n": 1},
            "status": {"x": 1},
        }},
        "log": [{"text": "hello", "times": [1, 1]}],
    })
}

fn judged(expectation: Value, messages: &str) -> Result<(), String> {
    let expectation: Expectation = serde_json::from_value(expectation).unwrap();
    judge(&Played {
        expectation,
        storage: Storage::Auto,
        is_per_operator: false,
        loose_background: Vec::new(),
        are_final_finalizers_loose: false,
        lines: lines(),
        marks: BTreeMap::from([("main".to_owned(), Storage::Auto.marks())]),
        snapshots: BTreeMap::new(),
        responses: Vec::new(),
        finals: BTreeMap::from([("kex/a".to_owned(), Some(object()))]),
        problems: Vec::new(),
        messages: vec![messages.to_owned()],
        is_real_time: false,
    })
}

#[test]
fn what_is_as_expected_is_fine() {
    judged(expectation(), "hello").unwrap();
}

#[test]
fn whatever_is_not_as_expected_is_noticed() {
    let wrong = json!("wrong");
    let rows = [
        ("/calls/kex~1a/0/handler", wrong.clone()),
        ("/calls/kex~1a/0/reason", wrong.clone()),
        ("/calls/kex~1a/0/retry", json!(1)),
        ("/calls/kex~1a/0/old", json!({})),
        ("/calls/kex~1a/0/new", json!({"spec": {"n": 1, "m": 1}})),
        ("/calls/kex~1a/0/diff", json!([["add", ["a"], null, 1]])),
        ("/calls/kex~1a/0/outcome", json!("return")),
        ("/calls/kex~1a/1/result", json!(null)),
        ("/calls/kex~1a/1/patch", json!({})),
        ("/calls/kex~1a/2/outcome", json!("cancelled")),
        ("/calls/kex~1a", json!([])),
        ("/calls", json!({})),
        ("/calls_of/kex~1a/update/0/new", json!({"$any": [1, 2]})),
        ("/calls_of/kex~1a/update", json!([])),
        ("/events/kex~1a/e1/first", json!(null)),
        ("/events/kex~1a/e1/added", json!(2)),
        ("/events/kex~1a", json!({"e2": {}})),
        ("/activities/0/0", json!("startup:s1:1")),
        ("/activities", json!([])),
        ("/order/0/1", json!("kex/a create start 0")),
        ("/order/0/1", json!("kex/a create start 5")),
        ("/timing/0/min", json!(1.1)),
        ("/timing/0/max", json!(0.2)),
        ("/timing/0/attempts", json!([0, 2])),
        ("/chain/first_old", json!({})),
        ("/chain/last_new", json!({})),
        ("/chain/calls_per_handler", json!([2, 2])),
        ("/chain/handlers", json!(["update", "create"])),
        ("/final/kex~1a/exists", json!(false)),
        ("/final/kex~1a/deleting", json!(true)),
        ("/final/kex~1a/finalizers", json!(["x"])),
        ("/final/kex~1a/labels", json!({})),
        ("/final/kex~1a/annotations", json!({})),
        ("/final/kex~1a/state/main/last_handled", json!(null)),
        ("/final/kex~1a/state/main/in_progress", json!(false)),
        ("/final/kex~1a/generation", json!(3)),
        ("/final/kex~1a/spec", json!({"n": 2})),
        ("/final/kex~1a/status", json!({})),
        ("/final", json!({"kex/b": {"exists": true}})),
        ("/log/0/times", json!([2, 2])),
    ];
    for (place, value) in rows {
        let mut expectation = expectation();
        *expectation.pointer_mut(place).unwrap() = value.clone();
        let report = judged(expectation, "hello");
        assert!(report.is_err(), "{place} may be {value}");
    }
}

#[test]
fn unexpected_warnings_are_noticed() {
    for message in ["t  WARN x", "t ERROR x", "thread 'x' panicked at y"] {
        let report = judged(expectation(), &format!("hello\n{message}")).unwrap_err();
        assert!(report.contains(message), "{report}");
    }
    judged(expectation(), "hello\nt  WARN handler failed: as scripted").unwrap();
}

#[test]
fn a_second_object_of_one_name_is_told_apart() {
    let mut lines = lines();
    let mut again = lines.last().unwrap().clone();
    again["uid"] = json!("u2");
    lines.push(again);
    let calls = calls::changing(&lines, false);
    assert_eq!((calls["kex/a"].len(), calls["kex/a#2"].len()), (3, 1));
    let calls = calls::changing(&lines, true);
    assert_eq!(
        (calls["kex/a@main"].len(), calls["kex/a#2@main"].len()),
        (3, 1)
    );
}
