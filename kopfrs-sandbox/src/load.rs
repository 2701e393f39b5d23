//! Loading files of YAML from the disk.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    apply::{self, Applied, ApplyError},
    cluster::Cluster,
};

/// Why a file could not be loaded; what came before has been.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It could not be applied.
    #[error("failed to load {}", path.display())]
    Apply {
        /// The file.
        path: PathBuf,
        /// Why not, and where in it.
        #[source]
        source: ApplyError,
    },
}

pub(crate) async fn load(cluster: &Cluster, path: &Path) -> Result<Vec<Applied>, LoadError> {
    let mut applied = Vec::new();
    for file in files(path)? {
        let text = std::fs::read_to_string(&file).map_err(failed(&file))?;
        let done = apply::apply(cluster, &text).await;
        applied.extend(done.map_err(|source| LoadError::Apply { path: file, source })?);
    }
    Ok(applied)
}

/// The file, or the files of a directory that look like YAML.
fn files(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed(path))? {
        let file = entry.map_err(failed(path))?.path();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("yaml" | "yml" | "json")) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> LoadError {
    let path = path.to_owned();
    move |source| LoadError::Read {
        path: path.clone(),
        source,
    }
}
