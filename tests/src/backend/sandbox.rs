//! The sandbox, served over TLS by this process.

use kopfrs_sandbox::Sandbox;

use super::{Failure, Keeper, Started, client, folder};

pub(super) async fn start() -> Result<Started, Failure> {
    let server = Sandbox::new().serve().await?;
    let kubeconfig = folder()?.join("kubeconfig");
    server.write_kubeconfig(&kubeconfig)?;
    Ok(Started {
        client: client(&kubeconfig).await?,
        kubeconfig,
        keeper: Keeper::Server(Box::new(server)),
    })
}
