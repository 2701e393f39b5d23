//! Writes that fail: before they took effect, and after it.

use std::time::Duration;

use futures::future::join_all;
use kopfrs::prelude::*;
use kopfrs_sandbox::fault::{Fault, On, Rule};
use kopfrs_tests::backend::Cluster;

use super::station::Station;

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

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.networking.request_timeout = Duration::from_secs(2);
    // The retries of requests are one thing, those of the framework another: both are wanted here.
    settings.networking.error_backoffs = vec![Duration::from_millis(100)];
    settings
}

async fn check(row: Weather) {
    let station = Station::new("refusals").await;
    let proxy = station.proxy().await;
    let running = station.start_behind(&proxy, settings()).await;
    let patches = On::verb("patch").namespace(station.namespace.name());
    let rule = Rule::new(patches, row.fault).skip(row.skip).times(3);
    let injected = proxy.faults().inject(rule);

    station.create("gauge", 7).await;
    station.until_calm(1).await;
    injected.until_hits(1).await;
    assert_eq!(station.calls.of("gauge"), ["create/0"], "{}", row.name);

    // What was in the way is gone: all goes on as ever.
    injected.remove();
    station.merge("gauge", json!({"spec": {"size": 8}})).await;
    station.until_calm(1).await;
    assert_eq!(
        station.calls.of("gauge"),
        ["create/0", "update/0"],
        "{}",
        row.name
    );
    assert!(running.is_running(), "{}", row.name);
    running.stop().await;
    proxy.stop().await;
    station.leave().await;
}

#[test]
fn a_write_that_fails_is_repeated_and_its_handler_is_not() {
    Cluster::get().block_on(async {
        join_all(all().into_iter().map(check)).await;
    });
}
