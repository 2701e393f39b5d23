//! A sandbox on a TCP port.

use std::{fmt, net::SocketAddr, path::Path};

use super::{
    ServeError,
    access::{Access, Lifetime},
    endpoint::Endpoint,
};
use crate::{Sandbox, http::auth::Strangers};

/// A sandbox served over TLS on a loopback port, with a token of its own.
///
/// Dropping it stops it at once; [`Server::stop`] lets requests finish and ends watches first.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kopfrs_sandbox::Sandbox;
///
/// let sandbox = Sandbox::new();
/// let server = sandbox.serve().await?;
/// assert!(server.addr().ip().is_loopback());
/// assert!(server.kubeconfig().contains("certificate-authority-data"));
/// server.stop().await;
/// # Ok(())
/// # }
/// ```
pub struct Server {
    endpoint: Endpoint,
    // Keeps the controllers running as long as the port is open.
    _sandbox: Sandbox,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token.
        f.debug_struct("Server")
            .field("addr", &self.addr())
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) async fn bind(sandbox: Sandbox, addr: SocketAddr) -> Result<Self, ServeError> {
        let behind = (sandbox.router(), Strangers::Refused);
        let front = sandbox.front();
        let access = match sandbox.kept() {
            Some(kept) => Access::new(&kept.credentials()?, Lifetime::Kept)?,
            None => Access::fresh(&front.tokens)?,
        };
        let endpoint = Endpoint::bind(addr, access, front, behind).await?;
        if let Some(kept) = sandbox.kept() {
            // A kubeconfig that is handed out has to work after any end.
            kept.served_on(endpoint.addr().port());
            kept.save().await?;
        }
        Ok(Self {
            endpoint,
            _sandbox: sandbox,
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.endpoint.addr()
    }

    /// A kubeconfig for any client, as YAML. It holds the token.
    pub fn kubeconfig(&self) -> String {
        self.endpoint.kubeconfig(self.token())
    }

    /// A kubeconfig with another token: one of [`Sandbox::tokens`].
    pub fn kubeconfig_with_token(&self, token: &str) -> String {
        self.endpoint.kubeconfig(token)
    }

    /// Writes the kubeconfig to a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_kubeconfig(&self, path: impl AsRef<Path>) -> Result<(), ServeError> {
        self.endpoint.write_kubeconfig(path.as_ref())
    }

    /// The configuration for a [`kube::Client`] over the port.
    pub fn config(&self) -> kube::Config {
        self.endpoint.config()
    }

    /// The configuration for a client with another token: one of [`Sandbox::tokens`].
    pub fn config_with_token(&self, token: &str) -> kube::Config {
        self.endpoint.config_with_token(token)
    }

    /// The token of the administrator.
    pub fn token(&self) -> &str {
        self.endpoint.token()
    }

    /// Stops: no new connections, watches end, requests finish (for two seconds at most).
    pub async fn stop(mut self) {
        self.endpoint.stop().await;
    }
}
