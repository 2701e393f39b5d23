//! Compares what has happened with what was expected.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::calls::{self, Calls};
use super::diff;
use super::expectation::{Chain, Timing};
use super::object::picture;
use super::place::{Marks, Storage};
use super::player::Played;

/// How much slower a busy machine may be than the one of the recordings.
const SLOWNESS: f64 = 3.0;
/// Lower bounds are strict, but clocks have their grain.
const GRAIN: f64 = 0.02;
/// Warnings that belong to scripts and stops.
const KNOWN: [&str; 3] = ["as scripted", "is handled: ", "the drain budget is used up"];
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
    let events = calls::events(&played.lines);
    for (object, handlers) in &expected.events {
        for (handler, expected) in handlers {
            let got = events
                .get(object)
                .and_then(|handlers| handlers.get(handler));
            let what = format!("events of {object} for {handler}");
            findings.extend(diff::of_objects(
                &what,
                expected,
                got.unwrap_or(&Value::Null),
            ));
        }
    }
    if let Some(expected) = &expected.activities {
        let got = calls::activities(&played.lines);
        if *expected != got {
            findings.push(format!(
                "activities\n  expected {expected:?}\n  got      {got:?}"
            ));
        }
    }
    for (earlier, later) in &expected.order {
        let times = [earlier, later].map(|mark| calls::time_of(&played.lines, mark));
        match times {
            [Some(first), Some(second)] if first < second => {}
            _ => findings.push(format!("{earlier:?} ({times:?}) is not before {later:?}")),
        }
    }
    findings.extend(
        expected
            .timing
            .iter()
            .filter_map(|timing| of_timing(timing, &calls)),
    );
    findings.extend(
        expected
            .chain
            .iter()
            .flat_map(|chain| of_chain(chain, &calls)),
    );
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
    findings.extend(of_messages(played));
    if findings.is_empty() {
        return Ok(());
    }
    Err(report(&findings, played))
}

fn of_timing(timing: &Timing, calls: &Calls) -> Option<String> {
    let starts = |retry: u32| {
        let calls = calls.get(&timing.object).into_iter().flatten();
        let mut same = calls.filter(move |c| c["handler"] == timing.handler && c["retry"] == retry);
        same.next()?["t"].as_f64()
    };
    let what = format!(
        "{} of {}, attempts {:?}",
        timing.handler, timing.object, timing.attempts
    );
    let (Some(first), Some(second)) = (starts(timing.attempts.0), starts(timing.attempts.1)) else {
        return Some(format!("{what}: not both were made"));
    };
    let seconds = second - first;
    let is_fine = seconds >= timing.min - GRAIN && seconds <= timing.max * SLOWNESS;
    (!is_fine).then(|| {
        format!(
            "{what}: {seconds:.3} s apart, expected {}..{}",
            timing.min, timing.max
        )
    })
}

fn of_chain(chain: &Chain, calls: &Calls) -> Vec<String> {
    let all = calls
        .get(&chain.object)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let of_chain: Vec<&Value> = all
        .iter()
        .filter(|call| {
            chain
                .handlers
                .iter()
                .any(|handler| call["handler"] == **handler)
        })
        .collect();
    let mut findings = Vec::new();
    let mut check = |what: String, is_so: bool| {
        if !is_so {
            findings.push(format!("chain of {}: {what}", chain.object));
        }
    };
    let (first, last) = (of_chain.first(), of_chain.last());
    check(
        "first old".into(),
        first.is_some_and(|call| call["old"] == chain.first_old),
    );
    check(
        "last new".into(),
        last.is_some_and(|call| call["new"] == chain.last_new),
    );
    for handler in &chain.handlers {
        let own: Vec<&&Value> = of_chain
            .iter()
            .filter(|c| c["handler"] == **handler)
            .collect();
        let (min, max) = chain.calls_per_handler;
        let count = own.len();
        check(
            format!("{count} calls of {handler}"),
            count >= min && count <= max,
        );
        if chain.gapless {
            let is_gapless = own.windows(2).all(|pair| pair[0]["new"] == pair[1]["old"]);
            check(format!("{handler} misses changes"), is_gapless);
            let ends = (
                own.first().map(|c| &c["old"]),
                own.last().map(|c| &c["new"]),
            );
            let is_whole = ends == (Some(&chain.first_old), Some(&chain.last_new));
            check(format!("{handler} does not see all of it"), is_whole);
        }
    }
    if !findings.is_empty() {
        findings.push(diff::listed(all.iter()));
    }
    findings
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
        let is_serious = [" WARN ", " ERROR ", "panicked at"]
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
            "\n\nprocess {index} said, at last:\n{}",
            tail.join("\n")
        );
    }
    report
}
