//! The sandbox, served over TLS by this process.

use std::process::Stdio;

use kopfrs_sandbox::Sandbox;
use tokio::process::Command;

use super::{Failure, Keeper, Started, client, folder};

/// Removes a folder when the pipe ends, and so when this process does.
const SCRIPT: &str = r#"read -r _; rm -rf "$1""#;

pub(super) async fn start() -> Result<Started, Failure> {
    // As in a cluster, only some may do everything.
    let server = Sandbox::builder().rbac(true).build().serve().await?;
    let folder = folder()?;
    let mut keeper = Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(&folder)
        .stdin(Stdio::piped())
        .spawn()?;
    let kubeconfig = folder.join("kubeconfig");
    server.write_kubeconfig(&kubeconfig)?;
    Ok(Started {
        client: client(&kubeconfig).await?,
        kubeconfig,
        keeper: Keeper::Server(Box::new(server), keeper.stdin.take()),
    })
}
