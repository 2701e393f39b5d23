//! Another controller that never rests.

use std::time::Duration;

use futures::future::join_all;
use kopfrs::prelude::*;
use kopfrs::testing::Cluster;
use kopfrs_tests::rest::Rest;
use tokio::time::{Instant, interval};

use super::station::Station;

const OBJECTS: usize = 50;
/// Twenty times a second.
const BEAT: Duration = Duration::from_millis(50);
const BEATS: u64 = 100;

fn name(number: usize) -> String {
    format!("gauge-{number}")
}

/// What the other controller wants of one object in the end.
#[derive(Debug, Default)]
struct Wanted {
    label: String,
    finalizers: Vec<String>,
    status: u64,
}

impl Wanted {
    /// Writes once more.
    async fn beat(&mut self, rest: &Rest, path: &str, beat: u64) {
        let sent = match beat % 4 {
            0 => {
                self.label = format!("b{beat}");
                let patch = json!({"metadata": {"labels": {"other": &self.label}}});
                rest.merge(path, &patch).await
            }
            1 => {
                self.status = beat;
                let patch = json!({"status": {"other": beat}});
                rest.merge(&format!("{path}/status"), &patch).await
            }
            // An update of what was read before, as most controllers do it; tried again after a conflict.
            2 => return self.add_finalizer(rest, path, beat).await,
            _ => {
                let patch = json!({"metadata": {"annotations": {"other.example.com/beat": beat.to_string()}}});
                rest.merge(path, &patch).await
            }
        };
        sent.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    async fn add_finalizer(&mut self, rest: &Rest, path: &str, beat: u64) {
        let added = format!("other.example.com/f{}", beat % 3);
        loop {
            let object = rest
                .get(path)
                .await
                .expect("it is read")
                .expect("it is there");
            let present = object["metadata"]["finalizers"].as_array().cloned();
            let mut finalizers: Vec<Value> = present.unwrap_or_default();
            finalizers.retain(|finalizer| *finalizer != added);
            finalizers.push(json!(added));
            let version = &object["metadata"]["resourceVersion"];
            let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}});
            match rest.merge(path, &patch).await {
                Ok(_) => break,
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => panic!("{path}: {error}"),
            }
        }
        self.finalizers.retain(|finalizer| *finalizer != added);
        self.finalizers.push(added);
    }

    /// Whether nothing of it is lost.
    fn is_met(&self, object: &Value) -> bool {
        let finalizers = object["metadata"]["finalizers"].as_array();
        let finalizers: Vec<_> = finalizers.into_iter().flatten().collect();
        object["metadata"]["labels"]["other"] == *self.label
            && object["status"]["other"] == self.status
            && self
                .finalizers
                .iter()
                .all(|own| finalizers.iter().any(|f| *f == own))
    }
}

#[kopfrs::test]
async fn another_controller_loses_nothing_and_ours_converges(cluster: Cluster) {
    let station = Station::new(cluster).await;
    let operator = station.operator().start().await;
    let mut wanted: Vec<Wanted> = (0..OBJECTS).map(|_| Wanted::default()).collect();
    for number in 0..OBJECTS {
        station.create(&name(number), 0).await;
    }
    let mut beats = interval(BEAT);
    let began = Instant::now();
    for beat in 0..BEATS {
        beats.tick().await;
        let writes = wanted.iter_mut().enumerate().map(|(number, wanted)| {
            let (rest, path) = (station.rest.clone(), station.path(&name(number)));
            async move { wanted.beat(&rest, &path, beat).await }
        });
        join_all(writes).await;
        if beat % 20 == 10 {
            let resized = (0..OBJECTS).map(|number| {
                let station = &station;
                async move { station.resize(&name(number), beat).await }
            });
            join_all(resized).await;
        }
    }
    println!("{BEATS} beats in {:?}", began.elapsed());
    station.until_calm(OBJECTS).await;
    let all = station.all().await;
    for (number, wanted) in wanted.iter().enumerate() {
        let object = &all[&name(number)];
        assert!(wanted.is_met(object), "{wanted:?} is not met by {object:#}");
    }
    operator.stop().await;
}
