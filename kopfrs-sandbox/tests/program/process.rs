//! Running the program.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that is up.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) kubeconfig: PathBuf,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it wrote after it was up.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Starts `kopfrs-sandbox serve` and waits until it says that it is up.
pub(crate) async fn serve(arguments: &[&str]) -> Running {
    let mut child = spawn(arguments);
    let stdout = child.stdout.take().expect("piped");
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    patiently(stdout.read_line(&mut line))
        .await
        .expect("output");
    let Some(path) = line.trim_end().strip_prefix("export KUBECONFIG=") else {
        let ended = Running {
            child,
            stdout,
            kubeconfig: PathBuf::new(),
        };
        panic!("it printed {line:?}: {:?}", ended.end().await);
    };
    Running {
        child,
        stdout,
        kubeconfig: PathBuf::from(path.trim_matches('\'')),
    }
}

/// Runs `kopfrs-sandbox serve` that cannot come up, and gives what it wrote as error.
pub(crate) async fn refused(arguments: &[&str]) -> String {
    let output = patiently(spawn(arguments).wait_with_output()).await;
    let output = output.expect("an end");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn spawn(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kopfrs-sandbox"))
        .arg("serve")
        .args(arguments)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process")
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn signal(self, name: &str) -> Ended {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.expect("kill").success());
        self.end().await
    }

    async fn end(mut self) -> Ended {
        let mut stdout = String::new();
        let read = patiently(self.stdout.read_to_string(&mut stdout)).await;
        read.expect("output");
        let output = patiently(self.child.wait_with_output())
            .await
            .expect("an end");
        Ended {
            status: output.status,
            stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// A client of the kubeconfig that was printed.
    pub(crate) async fn client(&self) -> Client {
        client(&self.kubeconfig).await
    }
}

/// A client of a kubeconfig.
pub(crate) async fn client(path: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(path).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.expect("a configuration")).expect("a client")
}

/// Waits for something that must come.
pub(crate) async fn patiently<F: Future>(future: F) -> F::Output {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.expect("nothing happens")
}
