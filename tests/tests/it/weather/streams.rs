//! Watches that break in all ways that are known.

use std::time::Duration;

use futures::future::join_all;
use kopfrs::prelude::*;
use kopfrs_sandbox::fault::{Fault, On, Rule, StreamFault};
use kopfrs_tests::backend::Cluster;

use super::station::Station;

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

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.watching.inactivity_timeout = Duration::from_secs(3);
    settings.watching.backoff = Duration::from_millis(200);
    settings
}

async fn check((name, fault): Row) {
    let station = Station::new("streams").await;
    let proxy = station.proxy().await;
    let running = station.start_behind(&proxy, settings()).await;
    let watches = On::verb("watch").namespace(station.namespace.name());
    let injected = proxy
        .faults()
        .inject(Rule::new(watches.clone(), fault()).times(3));
    // The watch that is open ends; those that follow are as they are.
    proxy.faults().strike(&watches, StreamFault::Break);
    for number in 0..6 {
        let object = format!("gauge-{number}");
        station.create(&object, 1).await;
        station.until_calm(number + 1).await;
        assert_eq!(station.calls.of(&object), ["create/0"], "{name}");
    }
    injected.until_hits(3).await;
    station.merge("gauge-0", json!({"spec": {"size": 2}})).await;
    station.until_calm(6).await;
    assert_eq!(
        station.calls.of("gauge-0"),
        ["create/0", "update/0"],
        "{name}"
    );
    assert!(running.is_running(), "{name}");
    running.stop().await;
    proxy.stop().await;
    station.leave().await;
}

#[test]
fn a_watch_recovers_from_whatever_happens_to_it() {
    Cluster::get().block_on(async {
        join_all(FAULTS.map(check)).await;
    });
}
