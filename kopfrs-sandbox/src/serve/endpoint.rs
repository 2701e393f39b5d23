//! A TCP port with TLS, and a stack behind it.

use std::{net::SocketAddr, path::Path, time::Duration};

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
use tower::{Service, ServiceExt};

use super::{Front, ServeError, Stack, access::Access, kubeconfig};
use crate::http::{Body, BoxError, Connection, Shutdown, auth::Strangers};

/// How long connections may take to finish when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// What is behind a port.
pub(super) trait Behind:
    Service<
        http::Request<bytes::Bytes>,
        Response = http::Response<Body>,
        Error = BoxError,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
}

impl<S> Behind for S where
    S: Service<
            http::Request<bytes::Bytes>,
            Response = http::Response<Body>,
            Error = BoxError,
            Future: Send,
        > + Clone
        + Send
        + 'static
{
}

/// A port that is open. Dropping it closes it at once.
pub(super) struct Endpoint {
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

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn front(&self) -> &Front {
        &self.front
    }

    pub(super) fn token(&self) -> &str {
        &self.access.token
    }

    pub(super) fn kubeconfig(&self, token: &str) -> String {
        kubeconfig::text(self.addr, &self.access.identity, token)
    }

    pub(super) fn write_kubeconfig(&self, path: &Path) -> Result<(), ServeError> {
        kubeconfig::write(path, &self.kubeconfig(self.token())).map_err(|source| {
            ServeError::Kubeconfig {
                path: path.to_owned(),
                source,
            }
        })
    }

    pub(super) fn config(&self) -> kube::Config {
        self.config.clone()
    }

    pub(super) fn config_with_token(&self, token: &str) -> kube::Config {
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
        let served = connection(
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

async fn connection<S: Behind>(
    stream: TcpStream,
    tls: TlsAcceptor,
    (stack, cut): (Stack<S>, Connection),
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
        request.extensions_mut().insert(cut.clone());
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
