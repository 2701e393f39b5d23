//! The original Kopf: operators in Python, started by its own program, meet this API server.
//!
//! The operators are ours, in `tests/kopf`. Where `KOPF_EXAMPLES` names the folder of Kopf's own examples, those are
//! run, too, as they are.

mod behaviour;
mod migration;

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
    time::Instant,
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
        let is_said = self.has_said(text, PATIENCE).await;
        assert!(
            is_said,
            "it never says {text:?}, but:\n{}",
            self.seen.join("\n")
        );
    }

    /// Whether it has said a line with a text by now, or says it within a time.
    async fn has_said(&mut self, text: &str, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut is_said = self.seen.iter().any(|line| line.contains(text));
        while !is_said {
            let line = tokio::time::timeout_at(until, self.lines.recv()).await;
            let Ok(Some(line)) = line else {
                return false;
            };
            is_said = line.contains(text);
            self.seen.push(line);
        }
        true
    }

    /// Changes an object until a line is said about a change that Kopf has watched. What it finds when it lists, it
    /// tells of in another way.
    async fn says_of_a_change(&mut self, (world, name): (&World, &str), text: &str) {
        for number in 0..PATIENCE.as_secs() / 3 {
            let note = json!({"metadata": {"annotations": {"note": number.to_string()}}});
            world.patch(name, note).await;
            if self.has_said(text, Duration::from_secs(3)).await {
                return;
            }
        }
        self.says(text).await;
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
