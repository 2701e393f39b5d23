//! Servers that go down, and come up again.

use std::time::Duration;

use futures::future::join_all;
use kopfrs::testing::Cluster;
use tokio::time::sleep;

use super::station::{Station, calls_of, is_handled};

fn name(number: usize) -> String {
    format!("gauge-{number}")
}

async fn create(station: &Station, numbers: std::ops::Range<usize>) {
    join_all(numbers.map(|number| async move { station.create(&name(number), 1).await })).await;
}

#[kopfrs::test]
async fn what_happens_while_the_server_is_away_is_handled_when_it_is_back(cluster: Cluster) {
    let station = Station::new(cluster).await;
    let gate = station.cluster.gate().await;
    let operator = station.operator().through(&gate).start().await;
    create(&station, 0..20).await;
    station.until_calm(20).await;

    gate.faults().take_down();
    for number in 0..5 {
        station.resize(&name(number), 2).await;
    }
    for number in 5..10 {
        station.gauges.delete(&name(number)).await;
    }
    create(&station, 20..25).await;
    sleep(Duration::from_secs(30)).await;
    assert!(operator.is_running());

    gate.faults().bring_up();
    station.until_calm(20).await;
    for number in 0..25 {
        let expected: &[&str] = match number {
            0..5 => &["create/0", "update/0"],
            5..10 => &["create/0", "delete/0"],
            _ => &["create/0"],
        };
        assert_eq!(
            calls_of(&operator, &name(number)),
            expected,
            "{}",
            name(number)
        );
    }
    operator.stop().await;
}

#[kopfrs::test]
async fn a_server_that_goes_down_amid_five_hundred_creations_loses_none(cluster: Cluster) {
    const OBJECTS: usize = 500;
    let station = Station::new(cluster).await;
    let gate = station.cluster.gate().await;
    let operator = station.operator().through(&gate).start().await;
    let going_down = async {
        station
            .until("that some are handled", |all| {
                all.values().filter(|object| is_handled(object)).count() >= 50
            })
            .await;
        gate.faults().take_down();
        sleep(Duration::from_secs(3)).await;
        gate.faults().bring_up();
    };
    let creating = async {
        for begin in (0..OBJECTS).step_by(10) {
            create(&station, begin..begin + 10).await;
        }
    };
    tokio::join!(going_down, creating);
    station.until_calm(OBJECTS).await;
    for number in 0..OBJECTS {
        let calls = calls_of(&operator, &name(number));
        assert!(calls.iter().all(|call| call == "create/0"), "{calls:?}");
    }
    operator.stop().await;
}
