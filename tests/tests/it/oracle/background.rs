//! Compares what daemons and timers have done with what was expected.

use serde_json::{Value, json};

use super::calls;
use super::player::Played;

/// What is not as expected.
pub(crate) fn of_background(played: &Played) -> Vec<String> {
    let got = calls::background(&played.lines);
    let of = |object: &str, handler: &str| {
        let handlers = got.get(object);
        handlers.and_then(|handlers| handlers.get(handler)).cloned()
    };
    let mut findings = Vec::new();
    for (object, handlers) in &played.expectation.background {
        for (handler, expected) in handlers {
            let got = of(object, handler).unwrap_or_default();
            if *expected != got {
                findings.push(differing(&format!("{handler} of {object}"), expected, &got));
            }
        }
    }
    for (object, handler) in calls::daemons(&played.lines) {
        let expected = played.expectation.background.get(&object);
        let is_expected = expected.is_some_and(|handlers| handlers.contains_key(&handler));
        if !is_expected && !played.loose_background.contains(&object) {
            let got = of(&object, &handler).unwrap_or_default();
            findings.push(differing(&format!("{handler} of {object}"), &[], &got));
        }
    }
    for (object, handlers) in &played.expectation.counts {
        for (handler, (min, max)) in handlers {
            let count = of(object, handler).unwrap_or_default().len();
            if count < *min || count > *max {
                findings.push(format!(
                    "{count} calls of {handler} of {object}, expected {min}..{max}"
                ));
            }
        }
    }
    findings
}

fn differing(what: &str, expected: &[Value], got: &[Value]) -> String {
    format!(
        "{what}\n  expected {}\n  got      {}",
        json!(expected),
        json!(got)
    )
}
