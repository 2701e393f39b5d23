//! `kubectl` itself, in a namespace of its own.

mod applying;
mod changing;
mod converting;
mod creating;
mod deleting;
mod knowing;
mod printing;
mod refusals;
mod waiting;

use std::{path::PathBuf, process::Stdio, time::Duration};

use kopfrs::testing::Cluster;
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

use super::installed;

/// How long one call may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// `kubectl` with a cluster, and a home folder without anything in it.
struct Kubectl {
    program: PathBuf,
    cluster: Cluster,
    home: tempfile::TempDir,
}

/// What came of a call.
#[derive(Debug)]
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

impl Kubectl {
    /// `kubectl` in the namespace of a test, where it is installed.
    fn of(cluster: &Cluster) -> Option<Self> {
        Some(Self {
            program: installed::kubectl()?,
            cluster: cluster.clone(),
            home: tempfile::tempdir().expect("a folder"),
        })
    }

    fn namespace(&self) -> &str {
        self.cluster.namespace()
    }

    /// A file in its home folder.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    }

    /// A call, its words separated by blanks; single quotes keep blanks together.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--namespace", self.namespace()])
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig())
            .args(words(line))
            .env("HOME", self.home.path())
            .env_remove("KUBECONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn spawn(&self, line: &str) -> Child {
        self.command(line).spawn().expect("kubectl starts")
    }

    async fn run(&self, line: &str, input: &str) -> Outcome {
        finish(self.spawn(line), line, input).await
    }

    /// What a call prints that has to succeed.
    async fn ok(&self, line: &str) -> String {
        self.ok_with(line, "").await
    }

    /// The same, with something to read.
    async fn ok_with(&self, line: &str, input: &str) -> String {
        let outcome = self.run(line, input).await;
        assert_eq!(outcome.code, 0, "kubectl {line}: {outcome:?}");
        outcome.out
    }

    async fn json(&self, line: &str) -> Value {
        let text = self.ok(&format!("{line} -o json")).await;
        serde_json::from_str(&text).expect("JSON")
    }

    /// What a call says that must not succeed.
    async fn refused(&self, line: &str) -> String {
        let outcome = self.run(line, "").await;
        assert_ne!(outcome.code, 0, "kubectl {line}: {outcome:?}");
        outcome.err
    }
}

async fn finish(mut child: Child, line: &str, input: &str) -> Outcome {
    let mut stdin = child.stdin.take().expect("piped");
    // What begins with a brace is taken for JSON.
    let input = format!("---\n{input}");
    // Who does not read it all has ended.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("kubectl {line} does not end"));
    let output = output.expect("output");
    Outcome {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// Asserts that a text has some parts, in this order.
#[track_caller]
fn has(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some(at) = rest.find(part) else {
            panic!("no {part:?} in {rest:?}, of\n{text}");
        };
        rest = &rest[at + part.len()..];
    }
}

/// The rows of a table, their cells separated by one blank each.
fn rows(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}
