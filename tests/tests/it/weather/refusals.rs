//! Writes that fail: before they took effect, and after it.

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::testing::{Fault, On, Rule};

use super::station::{Station, calls_of, run_all};

/// The fault, and its name for the test's failure.
type Row = (&'static str, fn() -> Fault);

const FAULTS: [Row; 9] = [
    ("conflict", || Fault::status(409)),
    ("refusal", || Fault::status(422)),
    ("error", || Fault::status(500)),
    ("overload", || Fault::status(429).retry_after(1)),
    ("unavailable", || Fault::status(503)),
    ("garbage", Fault::garbage),
    ("silence", Fault::hang),
    ("reset", Fault::reset),
    ("missing", || Fault::status(404)),
];

/// Which of the two writes of a creation fails, and how.
struct Weather {
    name: String,
    fault: Fault,
    /// Writes that are let through before.
    skip: usize,
}

fn all() -> Vec<Weather> {
    let moments = [("before", false), ("after", true)];
    let writes = [("finalizer", 0), ("commit", 1)];
    let mut rows = Vec::new();
    for (name, fault) in FAULTS {
        for (moment, is_after) in moments {
            for (write, skip) in writes {
                let fault = if is_after {
                    fault().after_effect()
                } else {
                    fault()
                };
                let name = format!("{name}-{moment}-{write}");
                rows.push(Weather { name, fault, skip });
            }
        }
    }
    rows
}

fn settings(settings: &mut Settings) {
    settings.networking.request_timeout = Duration::from_secs(2);
    // The retries of requests are one thing, those of the framework another: both are wanted here.
    settings.networking.error_backoffs = vec![Duration::from_millis(100)];
}

async fn check(station: Station, row: Weather) {
    let gate = station.cluster.gate().await;
    let operator = station.start_behind(&gate, settings).await;
    let patches = On::verb("patch").namespace(station.cluster.namespace());
    let rule = Rule::new(patches, row.fault).skip(row.skip).times(3);
    let injected = gate.faults().inject(rule);

    station.create("gauge", 7).await;
    station.until_calm(1).await;
    injected.until_hits(1).await;
    assert_eq!(calls_of(&operator, "gauge"), ["create/0"], "{}", row.name);

    // What was in the way is gone: all goes on as ever.
    injected.remove();
    station.resize("gauge", 8).await;
    station.until_calm(1).await;
    assert_eq!(
        calls_of(&operator, "gauge"),
        ["create/0", "update/0"],
        "{}",
        row.name
    );
    operator.stop().await;
}

#[test]
fn a_write_that_fails_is_repeated_and_its_handler_is_not() {
    let rows = all().into_iter().map(|row| (row.name.clone(), row));
    run_all(rows.collect(), check);
}
