//! The sandbox, served over TLS by this process.

use kopfrs_sandbox::{Sandbox, Server};

use super::keeper::{Keeper, folder};
use super::wire::{Held, Started};
use super::{Backend, Failure};

/// Removes a folder when the pipe ends.
const SCRIPT: &str = r#"read -r _; rm -rf "$1""#;

/// The server, and what removes its kubeconfig.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) sandbox: Sandbox,
    #[expect(dead_code, reason = "held until the process ends")]
    server: Server,
    #[expect(dead_code, reason = "held until the process ends")]
    keeper: Keeper,
}

pub(super) async fn start() -> Result<Started, Failure> {
    // As in a cluster, only some may do everything.
    let sandbox = Sandbox::builder().rbac(true).build();
    let server = sandbox.serve().await?;
    let folder = folder(Backend::Sandbox)?;
    let keeper = Keeper::start(SCRIPT, [&folder])?;
    let kubeconfig = folder.join("kubeconfig");
    server.write_kubeconfig(&kubeconfig)?;
    Ok(Started {
        kubeconfig,
        config: server.config(),
        held: Held::Sandbox(Box::new(Serving {
            sandbox,
            server,
            keeper,
        })),
    })
}
