//! An example as a process, and what it says.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// How long anything may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let holds = async {
        while !condition().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(
        timeout(PATIENCE, holds).await.is_ok(),
        "{what} has not come"
    );
}

/// Asks for a page; gives the code and the text of the answer.
pub(crate) async fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("it reads");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await;
    read.expect("it answers");
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let text = answer
        .split_once("\r\n\r\n")
        .map(|(_, text)| text.to_owned());
    (code.expect("it has a code"), text.expect("it has a body"))
}

/// A running example.
pub(crate) struct Program {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reading: tokio::task::JoinHandle<()>,
}

/// All that an example has said.
pub(crate) struct Log(Vec<String>);

impl Program {
    /// Starts an example in one namespace of a cluster.
    pub(crate) fn start(program: &str, kubeconfig: &Path, namespace: &str) -> Self {
        let kubeconfig = kubeconfig.to_str().expect("the path is a text");
        Self::start_with(
            program,
            &["--kubeconfig", kubeconfig, "--namespace", namespace],
        )
    }

    pub(crate) fn start_with(program: &str, arguments: &[&str]) -> Self {
        Self::start_in(program, arguments, &[])
    }

    /// Starts an example with variables in its environment.
    pub(crate) fn start_in(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let plain = ["--log-format", "plain"];
        Self::start_saying(program, &[arguments, &plain].concat(), environment)
    }

    /// Starts an example with nothing said about its log but what the arguments and the variables say.
    pub(crate) fn start_saying(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().expect("it is piped");
        let said = lines.clone();
        let reading = tokio::spawn(async move {
            let mut reader = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                said.lock().unwrap().push(line);
            }
        });
        Self {
            child,
            lines,
            reading,
        }
    }

    /// Waits until the example has said something so often.
    pub(crate) async fn until(&self, text: &str, count: usize) {
        let said = || {
            self.lines
                .lock()
                .unwrap()
                .iter()
                .filter(|line| line.contains(text))
                .count()
        };
        let holds = async {
            while said() < count {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let is_said = timeout(PATIENCE, holds).await.is_ok();
        assert!(
            is_said,
            "{text:?} was not said:\n{}",
            self.lines.lock().unwrap().join("\n")
        );
    }

    /// The first line so far that contains a text.
    pub(crate) fn line(&self, text: &str) -> Option<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().find(|line| line.contains(text)).cloned()
    }

    /// Stops the example as Ctrl-C does; it must end well.
    pub(crate) async fn stop(mut self) -> Log {
        let pid = self.child.id().expect("it has not been awaited");
        let signal = Command::new("sh")
            .args(["-c", &format!("kill -INT {pid}")])
            .status()
            .await;
        assert!(signal.expect("a signal can be sent").success());
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .expect("it stops")
            .expect("it is awaited");
        self.reading
            .await
            .expect("the reader ends with the process");
        let log = Log(std::mem::take(&mut *self.lines.lock().unwrap()));
        assert!(status.success(), "{status}:\n{}", log.text());
        log
    }
}

impl Log {
    fn text(&self) -> String {
        self.0.join("\n")
    }

    pub(crate) fn assert_count(&self, text: &str, count: usize) {
        let found = self.0.iter().filter(|line| line.contains(text)).count();
        assert_eq!(found, count, "{text:?} in:\n{}", self.text());
    }

    pub(crate) fn assert_once(&self, text: &str) {
        self.assert_count(text, 1);
    }

    /// Nothing went wrong in the framework.
    pub(crate) fn assert_calm(&self) {
        for text in [
            "panicked",
            "could not be",
            "has failed and is tried again",
            "does not keep",
        ] {
            self.assert_count(text, 0);
        }
    }
}
