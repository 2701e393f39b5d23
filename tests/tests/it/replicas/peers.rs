//! Operators that meet in a peering: ours, Kopf's, and people with the commands of both.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use kopfrs::testing::{Cluster, Objects};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::program::Replica;
use super::{DEFINITION, ledger};
use crate::clients::installed;

const PEERINGS: &str = include_str!("../../../../examples/06-peering/peering.yaml");

/// How long anything may take on a busy machine: Python starts slowly.
const PATIENCE: Duration = Duration::from_secs(90);

/// What operators work at, and where they meet: in the namespace of the test.
struct Scene {
    cluster: Cluster,
    ledgers: Objects<Value>,
    peerings: Objects<Value>,
}

impl Scene {
    async fn new(cluster: &Cluster) -> Self {
        cluster.apply(DEFINITION).await;
        cluster.apply(PEERINGS).await;
        let peerings = cluster.kind("kopfpeerings.kopf.dev").await;
        let peering = "{apiVersion: kopf.dev/v1, kind: KopfPeering, metadata: {name: test}}";
        peerings.create_from(peering).await;
        Self {
            cluster: cluster.clone(),
            ledgers: cluster.kind("ledgers.replicas.test").await,
            peerings,
        }
    }

    fn start(&self, name: &str, more: &[&str]) -> Replica {
        let place = (self.cluster.kubeconfig(), self.cluster.namespace());
        Replica::start(name, place, &[&["--peering", "test"], more].concat())
    }

    async fn until_signed(&self, name: &str, by: &str) {
        let is_signed = |ledger: &Value| ledger["status"]["by"] == *by;
        self.ledgers.until(name, is_signed).await;
    }

    /// Makes a ledger that stays as it is for a while.
    async fn nobody_signs(&self, name: &str) {
        self.ledgers.create(&ledger(name)).await;
        sleep(Duration::from_secs(3)).await;
        let ledger = self.ledgers.get(name).await;
        assert_eq!(ledger["status"]["by"], Value::Null, "{ledger}");
    }

    /// Runs a command of an operator to its end.
    async fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(["--peering", "test", "--namespace", self.cluster.namespace()])
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .stdin(Stdio::null());
        let output = timeout(PATIENCE, command.output()).await;
        output.expect("it ends").expect("it starts")
    }

    async fn entries(&self) -> Vec<String> {
        let peering = self.peerings.get("test").await;
        let status = peering["status"].as_object().cloned();
        status.unwrap_or_default().keys().cloned().collect()
    }
}

#[kopfrs::test(wire)]
async fn operators_are_frozen_and_resumed_by_hand(cluster: Cluster) {
    let scene = Scene::new(&cluster).await;
    let operator = scene.start("a", &[]);
    scene.ledgers.create(&ledger("first")).await;
    scene.until_signed("first", "a").await;

    let program = Path::new(env!("CARGO_BIN_EXE_replica"));
    let freeze = [
        "freeze",
        "--lifetime",
        "600",
        "--message",
        "stocktaking",
        "--id",
        "me",
    ];
    let output = scene.run(program, &freeze).await;
    assert!(output.status.success(), "{output:?}");
    operator.until("me (priority 100): stocktaking", 1).await;
    operator.until("paused", 1).await;
    scene.nobody_signs("second").await;
    let output = scene.run(program, &["resume", "--id", "me"]).await;
    assert!(output.status.success(), "{output:?}");
    scene.until_signed("second", "a").await;

    // One of a lower priority keeps nobody from working.
    let freeze = [
        "freeze",
        "--lifetime",
        "600",
        "--priority=-1",
        "--id",
        "you",
    ];
    assert!(scene.run(program, &freeze).await.status.success());
    scene.ledgers.create(&ledger("third")).await;
    scene.until_signed("third", "a").await;
    operator.stop().await;
    assert_eq!(scene.entries().await, ["you"]);

    let elsewhere = [
        "resume",
        "--peering=elsewhere",
        "--namespace",
        cluster.namespace(),
    ];
    let mut command = Command::new(program);
    command
        .args(elsewhere)
        .env("KUBECONFIG", cluster.kubeconfig());
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("the peering \"elsewhere\" in namespace"),
        "{said}"
    );
}

#[kopfrs::test(wire)]
async fn the_highest_priority_works_and_the_next_one_goes_on_after_it(cluster: Cluster) {
    let scene = Scene::new(&cluster).await;
    let low = scene.start("low", &[]);
    scene.ledgers.create(&ledger("first")).await;
    scene.until_signed("first", "low").await;
    let high = scene.start("high", &["--dev"]);
    low.until("paused", 1).await;
    scene.ledgers.create(&ledger("second")).await;
    scene.until_signed("second", "high").await;
    assert_eq!(scene.entries().await.len(), 2);
    high.stop().await;
    scene.ledgers.create(&ledger("third")).await;
    scene.until_signed("third", "low").await;
    let said = low.stop().await;
    assert!(!said.contains("SIGNING second"), "{said}");
    assert!(scene.entries().await.is_empty());
}

/// An operator of Kopf's in the same peering, for the same kind.
fn kopf(program: &Path, scene: &Scene, priority: &str) -> Child {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("kopf/ledgers.py");
    Command::new(program)
        .args(["run", "--peering", "test", "--priority", priority])
        .args(["--namespace", scene.cluster.namespace(), "--verbose"])
        .arg(file)
        .env("KUBECONFIG", scene.cluster.kubeconfig())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("kopf starts")
}

async fn stop(mut child: Child) {
    let pid = child.id().expect("it runs").to_string();
    let sent = Command::new("kill").arg(&pid).status().await;
    assert!(sent.expect("kill is there").success());
    let ended = timeout(PATIENCE, child.wait()).await;
    ended.expect("it ends").expect("a status");
}

#[kopfrs::test(wire)]
async fn kopf_s_operators_and_ours_respect_each_other(cluster: Cluster) {
    let Some(program) = installed::kopf() else {
        return;
    };
    let scene = Scene::new(&cluster).await;
    let ours = scene.start("ours", &["--priority", "5"]);
    scene.ledgers.create(&ledger("first")).await;
    scene.until_signed("first", "ours").await;

    // Kopf's goes before ours.
    let higher = kopf(&program, &scene, "10");
    ours.until("paused", 1).await;
    scene.ledgers.create(&ledger("second")).await;
    scene.until_signed("second", "kopf").await;
    stop(higher).await;
    scene.ledgers.create(&ledger("third")).await;
    scene.until_signed("third", "ours").await;

    // Ours goes before Kopf's.
    let lower = kopf(&program, &scene, "1");
    let has_two = |peering: &Value| {
        let entries = peering["status"].as_object();
        entries.is_some_and(|entries| entries.len() == 2)
    };
    scene.peerings.until("test", has_two).await;
    scene.ledgers.create(&ledger("fourth")).await;
    scene.until_signed("fourth", "ours").await;
    let said = ours.stop().await;
    assert!(!said.contains("SIGNING second"), "{said}");
    scene.ledgers.create(&ledger("fifth")).await;
    scene.until_signed("fifth", "kopf").await;
    let fourth = scene.ledgers.get("fourth").await;
    assert_eq!(fourth["status"]["by"], json!("ours"));
    stop(lower).await;
    assert!(scene.entries().await.is_empty());
}

#[kopfrs::test(wire)]
async fn kopf_s_commands_pause_ours(cluster: Cluster) {
    let Some(program) = installed::kopf() else {
        return;
    };
    let scene = Scene::new(&cluster).await;
    let ours = scene.start("ours", &[]);
    scene.ledgers.create(&ledger("first")).await;
    scene.until_signed("first", "ours").await;
    let output = scene
        .run(&program, &["freeze", "--lifetime", "600", "--id", "me"])
        .await;
    assert!(output.status.success(), "{output:?}");
    ours.until("paused", 1).await;
    scene.nobody_signs("second").await;
    let output = scene.run(&program, &["resume", "--id", "me"]).await;
    assert!(output.status.success(), "{output:?}");
    scene.until_signed("second", "ours").await;
    ours.stop().await;
}
