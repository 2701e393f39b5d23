//! A sandbox on a TCP port.

use std::{fmt, net::SocketAddr, ops::Deref};

use super::{
    Endpoint, ServeError,
    access::{Access, Lifetime},
};
use crate::{Sandbox, http::auth::Strangers};

/// A sandbox served over TLS on a loopback port, with a token of its own.
///
/// How it is reached, and what it has seen, tells its [`Endpoint`], whose methods are its own. Dropping it stops it at once; [`Server::stop`] lets requests finish and ends watches first.
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
        f.debug_tuple("Server").field(&self.endpoint).finish()
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

    /// Stops: no new connections, watches end, requests finish (for two seconds at most).
    pub async fn stop(mut self) {
        self.endpoint.stop().await;
    }
}

impl Deref for Server {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}
