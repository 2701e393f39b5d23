//! Replicas of one operator, of which one works: two processes, with the times that they have by default.

mod peers;
mod program;

use std::collections::BTreeMap;
use std::time::Duration;

use kopfrs::testing::{Cluster, Objects};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::program::Replica;

const DEFINITION: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ledgers.replicas.test}
spec:
  group: replicas.test
  scope: Namespaced
  names: {kind: Ledger, plural: ledgers, singular: ledger}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

/// How long a takeover may take: the lease, the time between two looks at it, and the machine's own.
const TAKEOVER: Duration = Duration::from_secs(17);

/// How long the work itself may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn ledger(name: &str) -> Value {
    json!({
        "apiVersion": "replicas.test/v1", "kind": "Ledger", "metadata": {"name": name}, "spec": {},
    })
}

/// Two replicas, and what they work at.
struct Scene {
    ledgers: Objects<Value>,
    count: usize,
    first: Replica,
    second: Replica,
}

impl Scene {
    async fn new(cluster: &Cluster) -> Self {
        cluster.apply(DEFINITION).await;
        let ledgers = cluster.kind("ledgers.replicas.test").await;
        let place = (cluster.kubeconfig(), cluster.namespace());
        let first = Replica::start("a", place, &["--leader-elect"]);
        first.until("is held: working", 1).await;
        first.until("watching ledgers", 1).await;
        let second = Replica::start("b", place, &["--leader-elect"]);
        second.until("standing for election", 1).await;
        Self {
            ledgers,
            count: 0,
            first,
            second,
        }
    }

    /// Makes new ledgers for so long, several a second.
    async fn write(&mut self, duration: Duration) {
        let until = Instant::now() + duration;
        while Instant::now() < until {
            self.write_one().await;
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn write_one(&mut self) {
        let ledger = ledger(&format!("l-{}", self.count));
        self.ledgers.create(&ledger).await;
        self.count += 1;
    }

    /// Who has signed which ledger, as far as they are signed.
    async fn signed(&self) -> BTreeMap<String, String> {
        let ledgers = self.ledgers.list().await.into_iter();
        let signed = ledgers.filter_map(|ledger| {
            let name = ledger["metadata"]["name"].as_str()?.to_owned();
            Some((name, ledger["status"]["by"].as_str()?.to_owned()))
        });
        signed.collect()
    }

    /// Goes on writing until the second replica has taken over; gives what was signed before.
    async fn taken_over(&mut self) -> BTreeMap<String, String> {
        let since = Instant::now();
        while !self.second.text().contains("is held: working") {
            assert!(since.elapsed() < TAKEOVER, "{}", self.second.text());
            self.write(Duration::from_millis(200)).await;
        }
        self.signed().await
    }

    async fn until_signed(&self, count: usize) {
        let since = Instant::now();
        while self.signed().await.len() < count {
            assert!(since.elapsed() < PATIENCE, "{}", self.first.text());
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_all_signed(&self) -> BTreeMap<String, String> {
        let since = Instant::now();
        loop {
            let signed = self.signed().await;
            if signed.len() == self.count {
                return signed;
            }
            let waited = since.elapsed();
            assert!(waited < PATIENCE, "{} of {}", signed.len(), self.count);
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What one has signed, the other does not touch; and nobody has signed anything in the other's time.
fn check(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, second: &str) {
    for (name, by) in after {
        match before.get(name) {
            Some(earlier) => {
                assert_eq!(by, earlier, "{name} was signed again");
                let is_called = second.contains(&format!("SIGNING {name}\n"));
                assert!(
                    by == "b" || !is_called,
                    "{name} was handled again:\n{second}"
                );
            }
            None => assert_eq!(by, "b", "{name} was signed out of turn"),
        }
    }
    let signers: Vec<&String> = after.values().collect();
    assert!(signers.iter().any(|by| *by == "a") && signers.iter().any(|by| *by == "b"));
}

#[kopfrs::test(wire)]
async fn another_process_takes_over_from_one_that_is_killed(cluster: Cluster) {
    let mut scene = Scene::new(&cluster).await;
    scene.write(Duration::from_secs(2)).await;
    scene.until_signed(1).await;
    scene.first.signal("KILL").await;
    let before = scene.taken_over().await;
    scene.write(Duration::from_secs(1)).await;
    let after = scene.until_all_signed().await;
    let said = scene.second.stop().await;
    check(&before, &after, &said);
    assert!(said.contains("is given back"), "{said}");
}

#[kopfrs::test(wire)]
async fn a_process_that_was_frozen_writes_nothing_when_it_is_thawed(cluster: Cluster) {
    let mut scene = Scene::new(&cluster).await;
    scene.write(Duration::from_secs(2)).await;
    // In the middle of handlers, the results of which are written by whoever is thawed.
    for _ in 0..10 {
        scene.write_one().await;
    }
    scene.until_signed(1).await;
    scene.first.until("SIGNING", scene.count - 9).await;
    scene.first.signal("STOP").await;
    let before = scene.taken_over().await;
    scene.first.signal("CONT").await;
    scene.write(Duration::from_secs(3)).await;
    scene.first.until("standing by", 1).await;
    let after = scene.until_all_signed().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.signed().await, after);
    check(&before, &after, &scene.second.text());

    // It stands by, and takes over in its turn.
    scene.second.stop().await;
    scene.first.until("is held: working", 2).await;
    let mut scene = Scene {
        second: Replica::start(
            "c",
            (cluster.kubeconfig(), cluster.namespace()),
            &["--leader-elect"],
        ),
        ..scene
    };
    scene.write(Duration::from_secs(1)).await;
    let last = scene.until_all_signed().await;
    for (name, by) in &last {
        let expected = after.get(name).map_or("a", |by| by);
        assert_eq!(by, expected, "{name}");
    }
    scene.first.stop().await;
    scene.second.stop().await;
}
