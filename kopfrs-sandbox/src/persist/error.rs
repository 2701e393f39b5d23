//! Why a state could not be kept.

use std::path::PathBuf;

/// Why the state of a sandbox could not be read or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersistError {
    /// Another sandbox keeps its state there.
    #[error(
        "the state {} is in use by another sandbox{}; stop that one first, or choose another file",
        path.display(),
        process.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// Whose it is, if that could be found out.
        process: Option<u32>,
    },
    /// The file holds something else.
    #[error(
        "{} is no state of a kopfrs-sandbox: {reason}; it was left as it is, choose another file",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How that can be told.
        reason: String,
    },
    /// A later release has written it.
    #[error(
        "the state {} was written by a later kopfrs-sandbox (its format is {found}, this one reads {known}); \
         use that one, or choose another file",
        path.display()
    )]
    Later {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u64,
        /// The latest format that is understood.
        known: u64,
    },
    /// The file is damaged.
    #[error(
        "the state {} is broken at line {line}: {reason}; put a copy in its place, or move it away to begin anew",
        path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where, counted from one.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The system refused.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The sandbox was closed: its state is not kept any more.
    #[error("the state {} is not kept any more: the sandbox was closed", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
}
