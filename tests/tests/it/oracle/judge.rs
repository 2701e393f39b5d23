//! Compares what has happened with what was expected.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::background::of_background;
use super::calls;
use super::diff;
use super::object::picture;
use super::place::{Marks, Storage};
use super::player::Played;
use super::timing::of_times;
use super::webhooks;

/// Warnings that belong to scripts and stops.
const KNOWN: [&str; 5] = [
    "as scripted",
    "is handled: ",
    "the drain budget is used up",
    "validate handler failed for good: ",
    "mutate handler failed for good: ",
];
/// How many lines of an operator's messages are shown.
const TAIL: usize = 60;

/// Compares everything; gives a report of what differs.
pub(crate) fn judge(played: &Played) -> Result<(), String> {
    let expected = &played.expectation;
    let calls = calls::changing(&played.lines, played.is_per_operator);
    let mut findings: Vec<String> = played.problems.clone();
    if let Some(expected) = &expected.calls {
        findings.extend(diff::of_calls(expected, &calls));
    }
    findings.extend(diff::of_calls_of(&expected.calls_of, &calls));
    findings.extend(of_events(played));
    findings.extend(of_background(played));
    if let Some(expected) = &expected.activities {
        let got = calls::activities(&played.lines);
        if *expected != got {
            findings.push(format!(
                "activities\n  expected {expected:?}\n  got      {got:?}"
            ));
        }
    }
    findings.extend(of_times(played, &calls));
    findings.extend(of_pictures(
        "snapshot",
        &expected.snapshots,
        &played.snapshots,
        played,
    ));
    findings.extend(of_pictures(
        "final",
        &expected.finals,
        &played.finals,
        played,
    ));
    if let Some(expected) = &expected.webhooks {
        findings.extend(webhooks::of_asked(expected, &played.lines));
    }
    if let Some(expected) = &expected.responses {
        findings.extend(webhooks::of_responses(expected, &played.responses));
    }
    findings.extend(of_messages(played));
    if findings.is_empty() {
        return Ok(());
    }
    Err(report(&findings, played))
}

/// Where anything is said of events, there are no others.
fn of_events(played: &Played) -> Vec<String> {
    let expected = &played.expectation.events;
    let got = calls::events(&played.lines);
    if expected.is_empty() {
        return Vec::new();
    }
    let objects: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    let of_object = |object: &String| {
        let handlers = |events: &calls::Events| {
            let handlers = events.get(object).cloned().unwrap_or_default();
            Value::Object(handlers.into_iter().collect())
        };
        diff::of_objects(
            &format!("events of {object}"),
            &handlers(expected),
            &handlers(&got),
        )
    };
    objects.into_iter().filter_map(of_object).collect()
}

fn of_pictures(
    what: &str,
    expected: &BTreeMap<String, Value>,
    got: &BTreeMap<String, Option<Value>>,
    played: &Played,
) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, expected) in expected {
        let object = got.get(name).and_then(Option::as_ref);
        if webhooks::PLURALS
            .iter()
            .any(|plural| expected.get(*plural).is_some())
        {
            let got = object.cloned().unwrap_or_default();
            findings.extend(diff::of_objects(&format!("{what} {name}"), expected, &got));
            continue;
        }
        let operators: Vec<String> = expected["state"]
            .as_object()
            .map(|states| states.keys().cloned().collect())
            .unwrap_or_default();
        let mut expected = expected.clone();
        let mut picture = picture(object, &played.marks, operators.iter());
        forgive_digests(&mut expected, &picture, object, &played.marks);
        if what == "final" && played.are_final_finalizers_loose {
            picture["finalizers"] = expected["finalizers"].clone();
        }
        let marks = played
            .marks
            .values()
            .filter(|_| played.storage == Storage::Kopf);
        for fault in marks.flat_map(|marks| marks.faults_for_kopf(object.unwrap_or(&Value::Null))) {
            findings.push(format!("{what} {name}: Kopf cannot read this: {fault}"));
        }
        findings.extend(diff::of_objects(
            &format!("{what} {name}"),
            &expected,
            &picture,
        ));
    }
    findings
}

/// Where only a digest of the essence is kept, that there is one is all that can be said.
fn forgive_digests(
    expected: &mut Value,
    picture: &Value,
    object: Option<&Value>,
    marks: &BTreeMap<String, Marks>,
) {
    for (operator, marks) in marks {
        let is_digest = object.is_some_and(|object| marks.state(object).is_digest);
        let state = expected
            .get_mut("state")
            .and_then(|states| states.get_mut(operator));
        let wanted = state.and_then(|state| state.get_mut("last_handled"));
        if let Some(wanted) = wanted.filter(|wanted| is_digest && !wanted.is_null()) {
            *wanted = picture["state"][operator]["last_handled"].clone();
        }
    }
}

fn of_messages(played: &Played) -> Vec<String> {
    let all = played.messages.concat();
    let mut findings = Vec::new();
    for logged in &played.expectation.log {
        let count = all
            .lines()
            .filter(|line| line.contains(&logged.text))
            .count();
        let (min, max) = logged.times;
        if count < min || count > max {
            let text = &logged.text;
            findings.push(format!(
                "{count} messages say {text:?}, expected {min}..{max}"
            ));
        }
    }
    let strange = all.lines().find(|line| {
        let is_serious = ["WARN ", "ERROR ", "panicked at"]
            .iter()
            .any(|mark| line.contains(mark));
        let mut known = played
            .expectation
            .log
            .iter()
            .map(|logged| logged.text.as_str())
            .chain(KNOWN);
        is_serious && !known.any(|text| line.contains(text))
    });
    findings.extend(strange.map(|line| format!("the operator has said: {line}")));
    findings
}

fn report(findings: &[String], played: &Played) -> String {
    let mut report = findings.join("\n\n");
    for (index, messages) in played.messages.iter().enumerate() {
        let lines: Vec<&str> = messages.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL)..];
        let _ = write!(
            report,
            "\n\noperator {index} said, at last:\n{}",
            tail.join("\n")
        );
    }
    report
}
