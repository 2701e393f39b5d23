//! Servers that go down, and come up again.

use std::time::Duration;

use futures::future::join_all;
use kopfrs::prelude::*;
use kopfrs_tests::backend::Cluster;
use tokio::time::sleep;

use super::station::{Station, is_handled};

fn name(number: usize) -> String {
    format!("gauge-{number}")
}

async fn create(station: &Station, numbers: std::ops::Range<usize>) {
    join_all(numbers.map(|number| async move { station.create(&name(number), 1).await })).await;
}

#[test]
fn what_happens_while_the_server_is_away_is_handled_when_it_is_back() {
    Cluster::get().block_on(async {
        let station = Station::new("outage").await;
        let proxy = station.proxy().await;
        let running = station.start_behind(&proxy, Settings::default()).await;
        create(&station, 0..20).await;
        station.until_calm(20).await;

        proxy.faults().take_down();
        for number in 0..5 {
            station
                .merge(&name(number), json!({"spec": {"size": 2}}))
                .await;
        }
        for number in 5..10 {
            let path = station.path(&name(number));
            station
                .rest
                .delete(&path, None)
                .await
                .expect("it is deleted");
        }
        create(&station, 20..25).await;
        sleep(Duration::from_secs(30)).await;
        assert!(running.is_running());

        proxy.faults().bring_up();
        station.until_calm(20).await;
        for number in 0..25 {
            let expected: &[&str] = match number {
                0..5 => &["create/0", "update/0"],
                5..10 => &["create/0", "delete/0"],
                _ => &["create/0"],
            };
            assert_eq!(
                station.calls.of(&name(number)),
                expected,
                "{}",
                name(number)
            );
        }
        running.stop().await;
        proxy.stop().await;
        station.leave().await;
    });
}

#[test]
fn a_server_that_goes_down_amid_five_hundred_creations_loses_none() {
    const OBJECTS: usize = 500;
    Cluster::get().block_on(async {
        let station = Station::new("amid").await;
        let proxy = station.proxy().await;
        let running = station.start_behind(&proxy, Settings::default()).await;
        let going_down = async {
            station
                .until("that some are handled", |all| {
                    all.values().filter(|object| is_handled(object)).count() >= 50
                })
                .await;
            proxy.faults().take_down();
            sleep(Duration::from_secs(3)).await;
            proxy.faults().bring_up();
        };
        let creating = async {
            for begin in (0..OBJECTS).step_by(10) {
                create(&station, begin..begin + 10).await;
            }
        };
        tokio::join!(going_down, creating);
        station.until_calm(OBJECTS).await;
        for number in 0..OBJECTS {
            let calls = station.calls.of(&name(number));
            assert!(calls.iter().all(|call| call == "create/0"), "{calls:?}");
        }
        assert!(running.is_running());
        running.stop().await;
        proxy.stop().await;
        station.leave().await;
    });
}
