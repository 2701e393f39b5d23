//! Connections: accepted, encrypted, and served one task each.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, debug, warn};

use super::http::Budget;
use super::{certificate, http};
use crate::cause::SslPeer;
use crate::engine::admission::Admission;

/// How many connections there may be: API servers keep a few each. Others wait in the line of the socket.
const CONNECTIONS: usize = 256;
/// How many questions may come at once by one connection.
const STREAMS: u32 = 64;
/// How long a caller may take to say what it asks for.
const HEAD: Duration = Duration::from_secs(10);
/// How often to ask whether a silent caller is there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a caller may take to agree on the encryption.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The pause after the system has given no connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How long what is under way may take when the endpoint ends.
const END: Duration = Duration::from_secs(2);

/// What all connections share.
#[derive(Clone)]
pub(super) struct Listening {
    pub(super) admission: Arc<Admission>,
    /// The path below which questions come.
    pub(super) base: String,
    /// `None` for HTTP without TLS.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// How much is read at once.
    pub(super) budget: Budget,
}

/// How a caller speaks.
#[derive(Clone, Copy)]
enum Version {
    Http1,
    Http2,
}

impl Listening {
    /// Accepts connections until it is told to stop; what is under way may finish then.
    pub(super) async fn accept(
        self,
        listener: TcpListener,
        connections: TaskTracker,
        stop: CancellationToken,
    ) {
        let aborted = CancellationToken::new();
        let _all = aborted.clone().drop_guard();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = async {
                let place = places.clone().acquire_owned().await;
                (listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                accepted = accepted => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (served, aborted) =
                        (self.clone().serve(stream, stop.clone()), aborted.clone());
                    let served = async move {
                        let _place = place;
                        tokio::select! {
                            () = served => {}
                            () = aborted.cancelled() => {}
                        }
                    };
                    connections.spawn(served.in_current_span());
                }
                Err(error) => {
                    warn!("a connection of the API server cannot be accepted: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
        connections.close();
        if timeout(END, connections.wait()).await.is_err() {
            debug!(
                "{} connections of the API server are cut",
                connections.len()
            );
        }
    }

    async fn serve(self, stream: TcpStream, stop: CancellationToken) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!("failed to set TCP_NODELAY: {error}");
        }
        let Some(tls) = &self.tls else {
            let caller = (SslPeer::default(), Version::Http1);
            return self.clone().speak(stream, caller, stop).await;
        };
        let handshake = timeout(HANDSHAKE, TlsAcceptor::from(tls.clone()).accept(stream));
        match handshake.await {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates();
                let peer = shown.and_then(|chain| chain.first()).map(certificate::peer);
                let version = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => Version::Http2,
                    Some(_) | None => Version::Http1,
                };
                let caller = (peer.unwrap_or_default(), version);
                self.speak(stream, caller, stop).await;
            }
            Ok(Err(error)) => debug!("a caller of webhooks has not agreed on TLS: {error}"),
            Err(_) => debug!("a caller of webhooks took too long to agree on TLS"),
        }
    }

    async fn speak<S>(self, stream: S, (peer, version): (SslPeer, Version), stop: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request| {
            let (listening, peer) = (self.clone(), peer.clone());
            async move { Ok::<_, Infallible>(http::answer(&listening, peer, request).await) }
        });
        let builder = builder(version);
        let served = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(served);
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = stop.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            debug!("a connection of the API server ended with an error: {error}");
        }
    }
}

/// What waits for a caller's next word, and for how long. To find out how a caller speaks by what it says first could
/// take for ever.
fn builder(version: Version) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .max_concurrent_streams(STREAMS);
    match version {
        Version::Http1 => builder.http1_only(),
        Version::Http2 => builder.http2_only(),
    }
}
