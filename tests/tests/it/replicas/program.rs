//! Replicas as processes, that can be killed, frozen and thawed.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A replica that runs.
pub(super) struct Replica {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Replica {
    /// Starts a replica under a name.
    pub(super) fn start(name: &str, (kubeconfig, namespace): (&Path, &str), more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_replica"))
            .args(["run", "--log-format", "plain", "--namespace", namespace])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(more)
            .env("REPLICA", name)
            .env("KOPFRS_LEADER_ELECTION_NAMESPACE", namespace)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().expect("it is piped");
        let said = lines.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                said.lock().unwrap().push(line);
            }
        });
        Self { child, lines }
    }

    pub(super) fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Waits until it has said something so often.
    pub(super) async fn until(&self, text: &str, count: usize) {
        let holds = async {
            while self.text().matches(text).count() < count {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let is_said = timeout(PATIENCE, holds).await.is_ok();
        assert!(is_said, "{text:?} was not said:\n{}", self.text());
    }

    /// Sends it a signal: `KILL`, `STOP`, `CONT`.
    pub(super) async fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it has not been awaited");
        let arguments = [format!("-{signal}"), pid.to_string()];
        let sent = Command::new("kill").args(arguments).status().await;
        assert!(sent.expect("kill is there").success());
    }

    /// Stops it as a cluster does; it must end well.
    pub(super) async fn stop(mut self) -> String {
        self.signal("TERM").await;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("it ends").expect("a status");
        assert!(status.success(), "{status}:\n{}", self.text());
        self.text()
    }
}
