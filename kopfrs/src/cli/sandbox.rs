//! `run --sandbox`: the operator on an embedded API server.

use std::path::{Path, PathBuf};

use kopfrs_sandbox::{Sandbox, Server};
use tracing::info;

use super::arguments::SandboxOptions;
use super::run::{finish, said};
use crate::api::Credentials;
use crate::operator::OperatorBuilder;

/// Runs an operator on a sandbox that lives as long as the operator.
pub(super) async fn run(builder: OperatorBuilder, options: &SandboxOptions) -> Result<(), String> {
    run_on(&Sandbox::new(), builder, options).await
}

/// Runs an operator on a sandbox where something may be already.
pub(crate) async fn run_on(
    sandbox: &Sandbox,
    builder: OperatorBuilder,
    options: &SandboxOptions,
) -> Result<(), String> {
    for path in &options.apply {
        apply(sandbox, path).await?;
    }
    let server = sandbox.serve().await.map_err(said)?;
    let kubeconfig = Kubeconfig::write(&server)?;
    info!(
        "the sandbox listens on {}; to look into it with kubectl:",
        server.addr()
    );
    info!("  export KUBECONFIG={}", kubeconfig.0.display());
    let credentials = Credentials::new(server.config());
    let result = finish(builder.only_credentials(credentials)).await;
    drop(kubeconfig);
    server.stop().await;
    result
}

/// Loads a file, or all YAML files of a folder in the order of their names.
async fn apply(sandbox: &Sandbox, path: &Path) -> Result<(), String> {
    for file in files(path)? {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        let applied = sandbox.apply_yaml(&text).await;
        applied.map_err(|error| format!("{}: {}", file.display(), said(error)))?;
    }
    Ok(())
}

fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let is_yaml = |path: &PathBuf| {
        path.extension()
            .is_some_and(|e| e == "yaml" || e == "yml" || e == "json")
    };
    let mut files: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(is_yaml)
        .collect();
    files.sort();
    Ok(files)
}

/// A kubeconfig that is removed when the sandbox is gone.
struct Kubeconfig(PathBuf);

impl Kubeconfig {
    fn write(server: &Server) -> Result<Self, String> {
        let path =
            std::env::temp_dir().join(format!("kopfrs-sandbox-{}.kubeconfig", std::process::id()));
        server
            .write_kubeconfig(&path)
            .map_err(|error| format!("{}: {}", path.display(), said(error)))?;
        Ok(Self(path))
    }
}

impl Drop for Kubeconfig {
    fn drop(&mut self) {
        // It may have been removed by somebody else.
        let _ = std::fs::remove_file(&self.0);
    }
}
