//! Where a program keeps its state.

use std::path::Path;

/// A folder with a state and a kubeconfig.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) file: String,
    kubeconfig: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
        Self {
            file: path("state"),
            kubeconfig: path("kubeconfig"),
            folder,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn arguments(&self) -> [&str; 4] {
        ["--persist", &self.file, "--kubeconfig", &self.kubeconfig]
    }

    /// What the state says now.
    pub(crate) fn read(&self) -> String {
        std::fs::read_to_string(&self.file).expect("a state")
    }
}
