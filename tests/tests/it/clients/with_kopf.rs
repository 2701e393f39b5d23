//! The original Kopf: operators in Python, started by its own program, meet this API server.
//!
//! The operators are ours, in `tests/kopf`. Where `KOPF_EXAMPLES` names the folder of Kopf's own examples, those are
//! run, too, as they are.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use kopfrs::testing::Cluster;
use kopfrs_tests::rest::{Kind, Rest};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

use super::installed;

/// How long anything may take on a busy machine: Python starts slowly.
const PATIENCE: Duration = Duration::from_secs(90);

/// An operator that runs, and objects for it.
struct Operator {
    child: Child,
    lines: UnboundedReceiver<String>,
    seen: Vec<String>,
}

/// What an operator works with.
struct World {
    program: PathBuf,
    cluster: Cluster,
    rest: Rest,
    kind: Kind,
}

fn definition(group: &str, plural: &str, kind: &str) -> Value {
    let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": free, "status": free}}},
            }],
        },
    })
}

impl World {
    /// A world with a kind in it, where Kopf is installed.
    async fn of(cluster: &Cluster, group: &str, (plural, kind): (&str, &str)) -> Option<Self> {
        let program = installed::kopf()?;
        let definition = definition(group, plural, kind);
        cluster.apply(&definition.to_string()).await;
        Some(Self {
            program,
            cluster: cluster.clone(),
            rest: Rest::new(cluster.client()),
            kind: Kind {
                group: group.to_owned(),
                version: "v1".to_owned(),
                plural: plural.to_owned(),
                kind: kind.to_owned(),
                namespaced: true,
            },
        })
    }

    fn path(&self) -> String {
        self.kind.path(self.cluster.namespace())
    }

    async fn create(&self, name: &str, spec: Value) {
        let object = json!({
            "apiVersion": self.kind.api_version(), "kind": self.kind.kind,
            "metadata": {"name": name}, "spec": spec,
        });
        self.rest
            .post(&self.path(), &object)
            .await
            .expect("created");
    }

    async fn patch(&self, name: &str, patch: Value) {
        let path = format!("{}/{name}", self.path());
        self.rest.merge(&path, &patch).await.expect("patched");
    }

    /// Deletes an object, and waits until it is gone.
    async fn delete(&self, name: &str) {
        let path = format!("{}/{name}", self.path());
        self.rest.delete(&path, None).await.expect("accepted");
        self.until(name, Option::is_none).await;
    }

    /// Waits for a state of an object.
    async fn until(&self, name: &str, holds: impl Fn(&Option<Value>) -> bool) -> Option<Value> {
        let path = format!("{}/{name}", self.path());
        let wait = async {
            loop {
                let object = self.rest.get(&path).await.expect("an answer");
                if holds(&object) {
                    return object;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("{name} does not come to that state"))
    }

    /// Starts an operator of a file.
    fn start(&self, file: &Path) -> Operator {
        let mut child = Command::new(&self.program)
            .args([
                "run",
                "--standalone",
                "--verbose",
                "--namespace",
                self.cluster.namespace(),
            ])
            .arg(file)
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("kopf starts");
        let (sender, lines) = unbounded_channel();
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let second = sender.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = second.send(line);
            }
        });
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = sender.send(line);
            }
        });
        Operator {
            child,
            lines,
            seen: Vec::new(),
        }
    }
}

impl Operator {
    /// Waits for a line with a text, which may have been said already.
    async fn says(&mut self, text: &str) {
        if self.seen.iter().any(|line| line.contains(text)) {
            return;
        }
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
            let Ok(Some(line)) = line else {
                panic!("it never says {text:?}, but:\n{}", self.seen.join("\n"));
            };
            let found = line.contains(text);
            self.seen.push(line);
            if found {
                return;
            }
        }
    }

    /// Stops it as a cluster would, and gives all that it said.
    async fn stop(mut self) -> String {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").arg(&id).status().await.expect("kill");
        assert!(sent.success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("it ends").expect("a status");
        while let Some(line) = self.lines.recv().await {
            self.seen.push(line);
        }
        let said = self.seen.join("\n");
        assert!(status.success(), "{status}:\n{said}");
        said
    }
}

fn ours(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("kopf")
        .join(name)
}

const BOATS: (&str, &str) = ("boats", "Boat");

#[kopfrs::test(wire)]
async fn a_handler_is_called_and_its_result_stored(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "kopf.test", BOATS).await else {
        return;
    };
    let operator = world.start(&ours("minimal.py"));
    world.create("anna", json!({"crew": 3})).await;
    let is_handled = |object: &Option<Value>| {
        object
            .as_ref()
            .is_some_and(|object| object["status"]["launched"]["crew"] == 3)
    };
    world.until("anna", is_handled).await;
    operator.stop().await;
    world.delete("anna").await;
}

#[kopfrs::test(wire)]
async fn changes_of_every_kind_are_handled_over_restarts(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "kopf.test", BOATS).await else {
        return;
    };
    world.create("early", json!({"crew": 1})).await;
    let mut operator = world.start(&ours("handlers.py"));
    operator.says("CREATED early after 2 retries").await;
    world.create("anna", json!({"crew": 1})).await;
    operator.says("CREATED anna after 2 retries").await;
    world.patch("anna", json!({"spec": {"crew": 2}})).await;
    operator
        .says("UPDATED anna [('change', ('spec', 'crew'), 1, 2)]")
        .await;
    operator.says("FIELD anna 1 2").await;
    let said = operator.stop().await;
    assert_eq!(said.matches("CREATED anna after").count(), 1, "{said}");

    world.patch("early", json!({"spec": {"crew": 5}})).await;
    let mut operator = world.start(&ours("handlers.py"));
    operator.says("RESUMED anna").await;
    operator.says("FIELD early 1 5").await;
    let path = format!("{}/anna", world.path());
    world.rest.delete(&path, None).await.expect("accepted");
    operator.says("DELETED anna").await;
    world.until("anna", Option::is_none).await;
    world.delete("early").await;
    let said = operator.stop().await;
    assert!(!said.contains("CREATED"), "{said}");
    assert!(!said.contains("Traceback"), "{said}");
}

#[kopfrs::test(wire)]
async fn raw_events_are_told_in_order(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "kopf.test", BOATS).await else {
        return;
    };
    let mut operator = world.start(&ours("events.py"));
    world.create("anna", json!({"crew": 1})).await;
    operator.says("EVENT anna").await;
    world.patch("anna", json!({"spec": {"crew": 2}})).await;
    operator.says("EVENT anna MODIFIED").await;
    world.delete("anna").await;
    operator.says("EVENT anna DELETED").await;
    operator.stop().await;
}

#[kopfrs::test(wire)]
async fn daemons_and_timers_live_as_long_as_their_object(cluster: Cluster) {
    let Some(world) = &World::of(&cluster, "kopf.test", BOATS).await else {
        return;
    };
    let mut operator = world.start(&ours("daemons.py"));
    world.create("anna", json!({"crew": 1})).await;
    operator.says("WATCHMAN anna").await;
    operator.says("LOOKOUT anna").await;
    let rings = |object: &Option<Value>| {
        object
            .as_ref()
            .is_some_and(|object| object["status"]["bells"].as_u64() >= Some(2))
    };
    world.until("anna", rings).await;
    world.delete("anna").await;
    operator.says("WATCHMAN anna ends").await;
    operator.says("LOOKOUT anna ends").await;
    operator.stop().await;
}

/// One of Kopf's own examples; what it says when an object is made and then changed.
async fn example(world: &World, file: &Path, change: &Value, says: &[&str]) {
    assert!(file.is_file(), "{} is not there", file.display());
    let mut operator = world.start(file);
    let spec = json!({"duration": "1m", "field": "value"});
    world.create("kopf-example-1", spec).await;
    operator.says(says[0]).await;
    world.patch("kopf-example-1", change.clone()).await;
    for text in says {
        operator.says(text).await;
    }
    world.delete("kopf-example-1").await;
    operator.stop().await;
}

#[kopfrs::test(wire)]
async fn kopf_s_own_examples_work_unchanged(cluster: Cluster) {
    let Some(folder) = installed::kopf_examples() else {
        return;
    };
    let names = ("kopfexamples", "KopfExample");
    let Some(world) = World::of(&cluster, "kopf.dev", names).await else {
        return;
    };
    let file = |name: &str| folder.join(name).join("example.py");
    let changed = json!({"spec": {"field": "changed"}});
    let annotated = json!({"metadata": {"annotations": {"someannotation": "somevalue"}}});
    let done = "Creation is processed: 1 succeeded";
    let minimal = [done, "And here we are!"];
    example(&world, &file("01-minimal"), &changed, &minimal).await;
    let handled = [
        "Creation is processed: 3 succeeded",
        "CREATED 2nd",
        "UPDATED",
        "FIELD CHANGED: value -> changed",
    ];
    example(&world, &file("05-handlers"), &changed, &handled).await;
    let told = ["Event received:", "'MODIFIED'"];
    example(&world, &file("08-events"), &changed, &told).await;
    let pinged = [
        "Simulated failure.",
        "=> Ping from a sync daemon",
        "=> Ping from an async daemon",
    ];
    example(&world, &file("14-daemons"), &annotated, &pinged).await;
}
