//! Ends what was started for this process, however this process ends: a shell hangs on a pipe, which closes when we are
//! no more, killed or not.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::Failure;

/// Held as long as this process lives: never read, never closed by hand.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
}

impl Keeper {
    /// Runs a script of the shell that reads a line, and cleans up when there is none.
    pub(super) fn start(
        script: &str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Self, Failure> {
        let child = Command::new("sh")
            .args(["-c", script, "sh"])
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()?;
        Ok(Self { child })
    }

    /// How it has ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(status.to_string())
    }
}

/// A folder for what belongs to this process and backend. It holds keys: nobody else may read it.
pub(super) fn folder(backend: super::Backend) -> Result<PathBuf, Failure> {
    let name = format!("kopfrs-test-{backend}-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    // One of this name is left of a process that had our number before.
    let _ = std::fs::remove_dir_all(&folder);
    make_private(&folder)?;
    Ok(folder)
}

#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder)
}
