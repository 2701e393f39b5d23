//! Compares when things have happened: one before another, so long after another, one where another
//! has ended.

use serde_json::Value;

use super::calls::{self, Calls};
use super::diff;
use super::expectation::{Chain, Spans, Timing};
use super::player::Played;

/// How much slower a busy machine may be than the one of the recordings.
const SLOWNESS: f64 = 3.0;
/// Lower bounds are strict, but clocks have their grain.
const GRAIN: f64 = 0.02;
/// How late a call may be on a busy machine: the time from it to the next one is shorter by as much,
/// and what counts from the first sight of an object has begun before its first call.
const LATENESS: f64 = 0.25;

/// By how much a call may seem to come too soon; where time passes at once, nothing is late.
fn earliness(played: &Played) -> f64 {
    if played.is_real_time { LATENESS } else { GRAIN }
}

/// What is not in its time.
pub(crate) fn of_times(played: &Played, calls: &Calls) -> Vec<String> {
    let (expected, lines) = (&played.expectation, &*played.lines);
    let mut findings = Vec::new();
    for (earlier, later) in &expected.order {
        let times = [earlier, later].map(|mark| calls::time_of(lines, mark));
        let is_so = matches!(times, [Some(first), Some(second)] if first < second);
        if !is_so {
            findings.push(format!("{earlier:?} is not before {later:?}: {times:?}"));
        }
    }
    for timing in &expected.timing {
        findings.extend(of_timing(timing, calls));
    }
    findings.extend(of_spans("begins", &expected.pace, played, |spans| {
        let begins = spans.iter().map(|(begin, _)| *begin);
        let before = std::iter::once(0.0).chain(begins.clone());
        begins
            .zip(before)
            .map(|(begin, before)| begin - before)
            .collect()
    }));
    findings.extend(of_spans("lasts", &expected.lasts, played, |spans| {
        let lasting =
            |(begin, end): &(f64, Option<f64>)| end.map_or(f64::INFINITY, |end| end - begin);
        spans.iter().map(lasting).collect()
    }));
    if let Some(chain) = &expected.chain {
        findings.extend(of_chain(chain, calls));
    }
    findings
}

fn of_spans(
    what: &str,
    expected: &Spans,
    played: &Played,
    measure: impl Fn(&[(f64, Option<f64>)]) -> Vec<f64>,
) -> Vec<String> {
    let mut findings = Vec::new();
    for (object, handlers) in expected {
        for (handler, expected) in handlers {
            let got = measure(&calls::spans(&played.lines, object, handler));
            let is_in = |(seconds, (min, max)): (&f64, &(f64, f64))| {
                *seconds >= min - earliness(played) && *seconds <= max * SLOWNESS
            };
            let is_so = got.len() == expected.len() && got.iter().zip(expected).all(is_in);
            if !is_so {
                findings.push(format!(
                    "{handler} of {object} {what} after {got:.2?} s, expected {expected:?}"
                ));
            }
        }
    }
    findings
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
