//! Opening connections: TCP without Nagle's delays and with signs of life, then TLS.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use hyper_rustls::{
    DefaultServerNameResolver, FixedServerNameResolver, HttpsConnector, MaybeHttpsStream,
    ResolveServerName,
};
use hyper_util::client::legacy::connect::{Connection as _, HttpConnector};
use hyper_util::rt::TokioIo;
use kube::Config;
use kube::client::ConfigExt as _;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service as _;

use super::BoxError;
use crate::settings::NetworkingSettings;

/// TCP knows no shorter intervals.
const SHORTEST: Duration = Duration::from_secs(1);

/// A connection.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// See the module.
#[derive(Clone)]
pub(super) struct Dialer {
    https: HttpsConnector<HttpConnector>,
    limit: Duration,
    /// What must come out, if anything must.
    wanted: Option<Protocol>,
    /// A connection that was opened to see what is spoken.
    primed: Arc<Mutex<Option<Stream>>>,
}

/// No connection in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
struct NoConnection(Duration);

/// The server speaks another protocol than before.
#[derive(Debug, thiserror::Error)]
#[error("the server does not speak HTTP/2 any more")]
pub(super) struct ProtocolChanged;

impl Dialer {
    /// Opens connections that speak what both sides can, or HTTP/1.1 only.
    pub(super) fn new(
        config: &Config,
        settings: &NetworkingSettings,
        wanted: Option<Protocol>,
    ) -> kube::Result<Self> {
        let limit = settings.connect_timeout;
        let silence = silence(settings).max(SHORTEST);
        let mut tls = config.rustls_client_config()?;
        tls.alpn_protocols = match wanted {
            Some(Protocol::Http1) => vec![b"http/1.1".to_vec()],
            Some(Protocol::Http2) | None => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        // With Nagle's algorithm each small request over HTTP/2 waits for a delayed ACK: 40 ms.
        http.set_nodelay(true);
        http.set_keepalive(Some(silence));
        http.set_keepalive_interval(Some((silence / 3).max(SHORTEST)));
        http.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        http.set_tcp_user_timeout(Some(silence * 2));
        let resolver: Arc<dyn ResolveServerName + Send + Sync> = match &config.tls_server_name {
            Some(name) => Arc::new(FixedServerNameResolver::new(
                ServerName::try_from(name.clone())
                    .map_err(|error| kube::Error::Service(error.into()))?,
            )),
            None => Arc::new(DefaultServerNameResolver::default()),
        };
        let limit = config.connect_timeout.map_or(limit, |own| own.min(limit));
        Ok(Self {
            https: HttpsConnector::new(http, tls, false, resolver),
            limit,
            wanted,
            primed: Arc::default(),
        })
    }

    /// The same, for connections that must speak HTTP/2.
    pub(super) fn for_http2(&self) -> Self {
        Self {
            wanted: Some(Protocol::Http2),
            ..self.unprimed()
        }
    }

    /// The same, for others.
    pub(super) fn unprimed(&self) -> Self {
        Self {
            primed: Arc::default(),
            ..self.clone()
        }
    }

    /// Opens a connection to see what is spoken there.
    pub(super) async fn probe(&self, url: Uri) -> Result<(Protocol, Stream), BoxError> {
        let stream = self.clone().call(url).await?;
        Ok((spoken(&stream), stream))
    }

    /// Gives a connection for the next one to come.
    pub(super) fn prime(&self, stream: Stream) {
        *self.primed.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
    }
}

/// A peer that is silent for this long is asked for a sign of life, and is gone if there is none for
/// this long again: together that is as long as a request may take.
pub(super) fn silence(settings: &NetworkingSettings) -> Duration {
    settings.request_timeout / 2
}

fn spoken(stream: &Stream) -> Protocol {
    if stream.connected().is_negotiated_h2() {
        Protocol::Http2
    } else {
        Protocol::Http1
    }
}

impl tower::Service<Uri> for Dialer {
    type Response = Stream;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Stream, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let mut primed = self.primed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = primed.take() {
            return std::future::ready(Ok(stream)).boxed();
        }
        drop(primed);
        let (limit, wanted) = (self.limit, self.wanted);
        let connecting = self.https.call(url);
        async move {
            let stream = timeout(limit, connecting)
                .await
                .map_err(|_| NoConnection(limit))??;
            match wanted {
                Some(Protocol::Http2) if spoken(&stream) != Protocol::Http2 => {
                    Err(ProtocolChanged.into())
                }
                _ => Ok(stream),
            }
        }
        .boxed()
    }
}
