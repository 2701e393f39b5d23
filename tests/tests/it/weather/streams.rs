//! Watches that break in all ways that are known.

use std::time::Duration;

use kopfrs::prelude::*;
use kopfrs::testing::{Fault, On, Rule, StreamFault};

use super::station::{Station, calls_of, run_all};

/// What happens to each of the first watches; its name for the test's failure.
type Row = (&'static str, fn() -> Fault);

const FAULTS: [Row; 9] = [
    ("forbidden", || Fault::status(403)),
    ("missing", || Fault::status(404)),
    ("overload", || Fault::status(429).retry_after(1)),
    ("error", || Fault::status(500)),
    ("garbage", || {
        Fault::stream(StreamFault::GarbageLine).after_events(1)
    }),
    ("torn", || {
        Fault::stream(StreamFault::TornLine).after_events(1)
    }),
    ("broken", || {
        Fault::stream(StreamFault::Break).after_events(1)
    }),
    ("expired", || {
        Fault::stream(StreamFault::Expired).after_events(1)
    }),
    ("stalled", || {
        Fault::stream(StreamFault::Stall).after_events(1)
    }),
];

fn settings(settings: &mut Settings) {
    settings.watching.inactivity_timeout = Duration::from_secs(3);
    settings.watching.backoff = Duration::from_millis(200);
}

async fn check(station: Station, (name, fault): Row) {
    let gate = station.cluster.gate().await;
    let operator = station.start_behind(&gate, settings).await;
    let watches = On::verb("watch")
        .resource("gauges")
        .namespace(station.cluster.namespace());
    let injected = gate
        .faults()
        .inject(Rule::new(watches.clone(), fault()).times(3));
    // The watch that is open ends; those that follow are as they are.
    gate.faults().strike(&watches, StreamFault::Break);
    let mut count = 0;
    // What a listing has found is no event of a watch: how many it takes is not known before.
    while count < 6 || injected.hits() < 3 {
        assert!(count < 60, "{name}: {} hits", injected.hits());
        let object = format!("gauge-{count}");
        count += 1;
        station.create(&object, 1).await;
        station.until_calm(count).await;
        assert_eq!(calls_of(&operator, &object), ["create/0"], "{name}");
    }
    station.resize("gauge-0", 2).await;
    station.until_calm(count).await;
    assert_eq!(
        calls_of(&operator, "gauge-0"),
        ["create/0", "update/0"],
        "{name}"
    );
    operator.stop().await;
}

#[test]
fn a_watch_recovers_from_whatever_happens_to_it() {
    let rows = FAULTS.map(|row| (row.0.to_owned(), row));
    run_all(rows.into(), check);
}
