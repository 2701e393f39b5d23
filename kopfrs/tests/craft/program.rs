//! The program as a process, in a folder of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use kopfrs::testing::Cluster;

/// A folder in which commands are run.
pub(crate) struct Folder(tempfile::TempDir);

/// A command that goes on.
pub(crate) struct Running {
    child: Child,
    said: PathBuf,
}

impl Folder {
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with the files of `init`.
    pub(crate) fn furnished() -> Self {
        let folder = Self::empty();
        let output = folder.run(&["init"]);
        assert!(output.status.success(), "{output:?}");
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kopfrs"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KOPFRS_")) {
            command.env_remove(name);
        }
        command.env_remove("RUST_LOG").env_remove("KUBECONFIG");
        command.current_dir(self.path()).args(arguments);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must fail; gives what it has said.
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Runs a command that must succeed; gives what it has printed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts the operator of the files in the namespace of a test, with a program as its body.
    pub(crate) fn start_operator(&self, cluster: &Cluster, manager: &str) -> Running {
        let kubeconfig = cluster.kubeconfig().to_str().unwrap();
        let namespace = cluster.namespace();
        self.start(&[
            "exec",
            "--process",
            manager,
            "--kubeconfig",
            kubeconfig,
            "--namespace",
            namespace,
        ])
    }

    /// Starts a command that goes on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let said = self.path().join("said");
        let mut command = self.command(arguments);
        command.args(["--log-format", "plain"]).stdin(Stdio::null());
        command.stderr(File::create(&said).unwrap());
        Running {
            child: command.spawn().unwrap(),
            said,
        }
    }
}

impl Running {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Waits until something was said.
    pub(crate) async fn until(&self, cluster: &Cluster, text: &str) {
        let is_said = async || self.log().contains(text);
        cluster.until(format!("{text:?} to be said"), is_said).await;
    }

    /// Stops it as Ctrl-C does; it must end well.
    pub(crate) fn stop(mut self) -> String {
        let kill = format!("kill -INT {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}:\n{}", self.log());
        self.log()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
