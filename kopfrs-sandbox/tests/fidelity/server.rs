//! The server that the scenarios are replayed against.
//!
//! The sandbox, served over TLS by this process, unless the environment says `USE_EXISTING_CLUSTER=true`: then the one
//! that `KUBECONFIG` names.

use kopfrs_sandbox::{Sandbox, Server};
use tokio::runtime::Runtime;

use super::{Failure, access::Access};

/// A server that is up.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) access: Access,
    /// What keeps the sandbox running.
    _server: Option<Server>,
    runtime: Runtime,
}

impl Subject {
    pub(crate) fn start() -> Result<Self, Failure> {
        let runtime = Runtime::new()?;
        if std::env::var("USE_EXISTING_CLUSTER").is_ok_and(|value| value == "true") {
            let path = std::env::var("KUBECONFIG")
                .map_err(|_| "USE_EXISTING_CLUSTER is set, but KUBECONFIG is not")?;
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
            return Ok(Self {
                access: Access::from_kubeconfig(&text)?,
                _server: None,
                runtime,
            });
        }
        // As in a cluster, only some may do everything.
        let server = runtime.block_on(async {
            let sandbox = Sandbox::builder().rbac(true).build();
            sandbox.serve().await
        })?;
        Ok(Self {
            access: Access::from_kubeconfig(&server.kubeconfig())?,
            _server: Some(server),
            runtime,
        })
    }

    /// Runs a future to its end.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}
