//! An open TCP port: what it is reached by, and what stands behind it.

use std::{fmt, net::SocketAddr, path::Path, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    Front, ServeError, Stack,
    access::Access,
    connection::{self, Behind},
    kubeconfig,
};
use crate::{
    Journal, Tokens,
    fault::Faults,
    http::{Connection, auth::Strangers},
};

/// How long connections may take to finish when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// An open port with TLS, of a [`Server`](crate::Server) or a [`Proxy`](crate::Proxy): how it is reached, whom it lets
/// in, what it has seen, and what it makes go wrong. Both lend it, and so have its methods.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kopfrs_sandbox::{Endpoint, Proxy, Sandbox};
///
/// fn describe(endpoint: &Endpoint) -> String {
///     format!("{} with {} requests", endpoint.addr(), endpoint.journal().requests().len())
/// }
///
/// let server = Sandbox::new().serve().await?;
/// let proxy = Proxy::start(server.config()).await?;
/// assert!(describe(&server).ends_with("with 0 requests"));
/// assert!(describe(&proxy).starts_with("127.0.0.1"));
/// # Ok(())
/// # }
/// ```
pub struct Endpoint {
    addr: SocketAddr,
    access: Access,
    config: kube::Config,
    front: Front,
    shutdown: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Endpoint {
    pub(super) async fn bind<S: Behind>(
        addr: SocketAddr,
        access: Access,
        front: Front,
        (server, strangers): (S, Strangers),
    ) -> Result<Self, ServeError> {
        let listen = |source| ServeError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let config = kubeconfig::client(addr, &access.identity, &access.token)?;
        let shutdown = CancellationToken::new();
        let accepting = Accepting {
            listener,
            tls: TlsAcceptor::from(access.identity.tls.clone()),
            stack: front.stack(server, strangers),
            front: front.clone(),
            shutdown: shutdown.clone(),
        };
        let task = Some(tokio::spawn(accepting.run()));
        Ok(Self {
            addr,
            access,
            config,
            front,
            shutdown,
            task,
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it makes go wrong; of a sandbox the same as [`Sandbox::faults`](crate::Sandbox::faults).
    pub fn faults(&self) -> Faults {
        self.front.faults.clone()
    }

    /// The requests it has seen; of a sandbox all that the sandbox has seen.
    pub fn journal(&self) -> Journal {
        self.front.journal.clone()
    }

    /// The tokens it accepts itself.
    pub fn tokens(&self) -> Tokens {
        self.front.tokens.clone()
    }

    /// The token of its administrator, which its kubeconfig holds.
    pub fn token(&self) -> &str {
        &self.access.token
    }

    /// A kubeconfig for any client, as YAML. It holds the token.
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_with_token(self.token())
    }

    /// A kubeconfig with another token: one of [`Endpoint::tokens`], or of the server behind a proxy.
    pub fn kubeconfig_with_token(&self, token: &str) -> String {
        kubeconfig::text(self.addr, &self.access.identity, token)
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

    /// The configuration for a client with another token.
    pub fn config_with_token(&self, token: &str) -> kube::Config {
        let mut config = self.config();
        config.auth_info = kubeconfig::credentials(token);
        config
    }

    pub(super) async fn stop(&mut self) {
        self.shutdown.cancel();
        if let Some(task) = self.task.take() {
            // It panics only if hyper does; there is nothing to save then.
            let _ = task.await;
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token.
        f.debug_struct("Endpoint")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.access.end(&self.front.tokens);
        self.shutdown.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Accepting<S> {
    listener: TcpListener,
    tls: TlsAcceptor,
    stack: Stack<S>,
    front: Front,
    shutdown: CancellationToken,
}

impl<S: Behind> Accepting<S> {
    async fn run(self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    // Closed before a word is said: what listens is the machine, not the server.
                    Ok(_) if self.front.faults.outage().is_down() => {}
                    Ok((stream, _)) => {
                        connections.spawn(self.serve(stream));
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

    /// Serves a connection until it ends, the server goes down, or a fault cuts it.
    fn serve(&self, stream: TcpStream) -> impl Future<Output = ()> + use<S> {
        let open = self.front.journal.connection();
        let mut outage = self.front.faults.outage().listen();
        let cut = CancellationToken::new();
        if self.front.faults.outage().is_down() {
            // It went down after the connection was accepted, and before anybody listened.
            cut.cancel();
        }
        let marker = Connection(cut.clone());
        let served = connection::serve(
            stream,
            self.tls.clone(),
            (self.stack.clone(), marker),
            self.shutdown.clone(),
        );
        async move {
            tokio::select! {
                biased;
                () = outage.went_down() => {}
                () = cut.cancelled() => {}
                () = served => {}
            }
            drop(open);
        }
    }
}
