//! A sandbox on a TCP port.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Stack, identity::Identity, kubeconfig};
use crate::{Sandbox, http::Shutdown};

/// How long connections may take to finish when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Why a sandbox could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The port could not be opened.
    #[error("failed to listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The certificates could not be made.
    #[error("failed to make certificates")]
    Certificate(#[from] rcgen::Error),
    /// The certificates could not be used.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
    /// The address makes no URL.
    #[error("failed to make a URL of the address")]
    Address(#[source] http::uri::InvalidUri),
    /// The token makes no credentials.
    #[error("failed to make credentials of the token")]
    Credentials(#[source] serde_json::Error),
    /// The kubeconfig could not be written.
    #[error("failed to write the kubeconfig {}", path.display())]
    Kubeconfig {
        /// The file that was asked for.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

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
    addr: SocketAddr,
    identity: Identity,
    config: kube::Config,
    shutdown: CancellationToken,
    task: Option<JoinHandle<()>>,
    // Keeps the controllers running as long as the port is open.
    _sandbox: Sandbox,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token.
        f.debug_struct("Server")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) async fn bind(sandbox: Sandbox, addr: SocketAddr) -> Result<Self, ServeError> {
        let identity = Identity::generate()?;
        let listen = |source| ServeError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let config = kubeconfig::client(addr, &identity)?;
        let shutdown = CancellationToken::new();
        let accepting = Accepting {
            listener,
            tls: TlsAcceptor::from(identity.tls.clone()),
            stack: sandbox.stack(Some(identity.token.clone())),
            shutdown: shutdown.clone(),
        };
        let task = Some(tokio::spawn(accepting.run()));
        Ok(Self {
            addr,
            identity,
            config,
            shutdown,
            task,
            _sandbox: sandbox,
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A kubeconfig for any client, as YAML. It holds the token.
    pub fn kubeconfig(&self) -> String {
        kubeconfig::text(self.addr, &self.identity)
    }

    /// Writes the kubeconfig to a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_kubeconfig(&self, path: impl AsRef<Path>) -> Result<(), ServeError> {
        let path = path.as_ref();
        kubeconfig::write(path, &self.kubeconfig()).map_err(|source| ServeError::Kubeconfig {
            path: path.to_owned(),
            source,
        })
    }

    /// The configuration for a [`kube::Client`] over the port.
    pub fn config(&self) -> kube::Config {
        self.config.clone()
    }

    /// The token that requests must carry.
    pub fn token(&self) -> &str {
        &self.identity.token
    }

    /// Stops: no new connections, watches end, requests finish (for two seconds at most).
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        if let Some(task) = self.task.take() {
            // It panics only if hyper does; there is nothing to save then.
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Accepting {
    listener: TcpListener,
    tls: TlsAcceptor,
    stack: Stack,
    shutdown: CancellationToken,
}

impl Accepting {
    async fn run(self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, self.tls.clone(), self.stack.clone(), self.shutdown.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "failed to accept a connection");
                        // Out of file descriptors, mostly: do not spin.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        let finish = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, finish).await;
    }
}

async fn connection(
    stream: TcpStream,
    tls: TlsAcceptor,
    stack: Stack,
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to set TCP_NODELAY");
    }
    let stream = match tls.accept(stream).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%error, "a TLS handshake failed");
            return;
        }
    };
    let marker = Shutdown(shutdown.clone());
    let service = stack.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(marker.clone());
        request
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let served = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended with an error");
    }
}
