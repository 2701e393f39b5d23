//! Processes of operators: started, stopped, killed, and never left behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_oracle-operator");
/// A stopped operator has nothing to wait for: its drain budget is zero.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// What an operator is started with.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) fixture: &'a str,
    pub(crate) operator: &'a str,
    pub(crate) log: &'a Path,
    pub(crate) scope: &'a str,
    pub(crate) kubeconfig: &'a Path,
    pub(crate) storage: &'a str,
    /// Where its messages go.
    pub(crate) messages: PathBuf,
}

/// An operator. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) operator: String,
    pub(crate) pid: u32,
    child: Child,
    /// Awaiting a child closes its input, if it still has it.
    #[expect(dead_code, reason = "the operator ends when it is closed")]
    input: Option<ChildStdin>,
}

impl Process {
    pub(crate) fn start(start: &Start<'_>) -> Self {
        let messages = File::create(&start.messages).expect("files can be made here");
        let mut child = Command::new(PROGRAM)
            .args([start.fixture, start.operator])
            .arg(start.log)
            .arg(start.scope)
            .env("KUBECONFIG", start.kubeconfig)
            .env("ORC_STORAGE", start.storage)
            // It ends when this pipe does: also if this process is killed.
            .env("ORC_UNTIL_EOF", "yes")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(messages)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{PROGRAM} cannot be started: {error}"));
        Self {
            operator: start.operator.to_owned(),
            pid: child
                .id()
                .expect("a process that was just started has an id"),
            input: child.stdin.take(),
            child,
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Stops it gracefully.
    pub(crate) async fn stop(mut self) -> Result<(), String> {
        let (operator, pid) = (&self.operator, self.pid);
        if let Some(status) = self.child.try_wait().ok().flatten() {
            return Err(format!("operator {operator} has ended by itself: {status}"));
        }
        let signal = Command::new("sh")
            .args(["-c", &format!("kill -TERM {pid}")])
            .status()
            .await;
        signal.map_err(|error| format!("no signal could be sent: {error}"))?;
        match timeout(STOP_PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!(
                "operator {operator}, told to stop, has ended with {status}"
            )),
            Ok(Err(error)) => Err(format!("operator {operator} cannot be awaited: {error}")),
            Err(_) => Err(format!("operator {operator} does not stop")),
        }
    }

    /// Kills it.
    pub(crate) async fn kill(mut self) -> Result<(), String> {
        let killed = self.child.kill().await;
        killed.map_err(|error| format!("operator {} cannot be killed: {error}", self.operator))
    }
}
