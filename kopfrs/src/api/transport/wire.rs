//! The connections of one set of credentials: HTTP/2 where the server speaks it and there is much to
//! say at once, else HTTP/1.1.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response, Uri, uri::Scheme};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::Body;
use tracing::debug;

use super::dialer::{Dialer, Protocol, ProtocolChanged, silence};
use super::held::Held;
use super::lanes::{Lanes, ROOM};
use super::pool::Pool;
use super::{BoxError, Reply, Route};
use crate::settings::NetworkingSettings;

/// So few requests at once go over HTTP/1.1 in any case. A lone one is answered sooner that way, and
/// costs less; only from about eight at once on is it the other way round.
const FEW: usize = 4;

/// How much of a stream may wait to be read.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;

/// One reader that is slow must not stop the others on its connection.
#[expect(clippy::cast_possible_truncation, reason = "it is a small constant")]
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * ROOM as u32;

/// See the module. Cheap to clone: all clones share the connections.
#[derive(Clone)]
pub(super) struct Wire(Arc<Inner>);

struct Inner {
    url: Uri,
    in_flight: AtomicUsize,
    /// What the server speaks, once it is known.
    protocol: Mutex<Option<Protocol>>,
    /// Held while somebody finds out.
    probing: tokio::sync::Mutex<()>,
    probe: Option<Dialer>,
    http1_dialer: Dialer,
    /// For requests; streams have connections of their own.
    http1: Pool,
    http1_streams: Client<Dialer, Body>,
    /// For requests; streams have lanes of their own.
    http2_dialer: Dialer,
    http2: Client<Dialer, Body>,
    lanes: Lanes,
}

impl Wire {
    pub(super) fn new(config: &Config, settings: &NetworkingSettings) -> kube::Result<Self> {
        let http1_dialer = Dialer::new(config, settings, Some(Protocol::Http1))?;
        let any = Dialer::new(config, settings, None)?;
        let http2 = Http2::new(settings);
        let http2_dialer = any.for_http2();
        let is_tls = config.cluster_url.scheme() == Some(&Scheme::HTTPS);
        Ok(Self(Arc::new(Inner {
            url: config.cluster_url.clone(),
            in_flight: AtomicUsize::new(0),
            protocol: Mutex::default(),
            probing: tokio::sync::Mutex::default(),
            http1: Pool::new(config.cluster_url.clone(), http1_dialer.clone()),
            http1_streams: builder().build(http1_dialer.unprimed()),
            http1_dialer,
            http2: http2.client(http2_dialer.clone()),
            http2_dialer,
            lanes: Lanes::new(any.clone(), http2),
            // Without TLS there is nothing to agree by.
            probe: (settings.http2 && is_tls).then_some(any),
        })))
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Reply>, BoxError> {
        let route = request.extensions().get().copied().unwrap_or(Route::Short);
        if route == Route::Short {
            return self.short(request).await;
        }
        if self.protocol(route).await? == Protocol::Http1 {
            return Ok(reply(self.0.http1_streams.request(request).await?));
        }
        let response = self.0.lanes.send(request, route).await;
        Ok(reply(response.map_err(|error| self.failed(error))?))
    }

    async fn short(&self, request: Request<Body>) -> Result<Response<Reply>, BoxError> {
        let turn = Turn::begin(self);
        if turn.others < FEW || self.protocol(Route::Short).await? == Protocol::Http1 {
            let response = self.0.http1.send(request).await?;
            return Ok(reply(response.map(|body| Held::new(body, Some(turn)))));
        }
        let response = self.0.http2.request(request).await;
        let response = response.map_err(|error| self.failed(error))?;
        Ok(reply(response.map(|body| Held::new(body, Some(turn)))))
    }

    /// What the server speaks. The first one who needs to know finds out, and the others wait for that
    /// instead of all opening connections.
    async fn protocol(&self, route: Route) -> Result<Protocol, BoxError> {
        let Some(probe) = &self.0.probe else {
            return Ok(Protocol::Http1);
        };
        if route == Route::Upgrade {
            return Ok(Protocol::Http1);
        }
        if let Some(protocol) = self.known() {
            return Ok(protocol);
        }
        let _probing = self.0.probing.lock().await;
        if let Some(protocol) = self.known() {
            return Ok(protocol);
        }
        let (protocol, stream) = probe.probe(self.0.url.clone()).await?;
        debug!("{} speaks {protocol:?}", self.0.url);
        match (protocol, route) {
            (Protocol::Http1, Route::Short) => self.0.http1_dialer.prime(stream),
            (Protocol::Http2, Route::Short) => self.0.http2_dialer.prime(stream),
            (Protocol::Http1, _) => drop(stream),
            (Protocol::Http2, _) => self.0.lanes.prime(stream),
        }
        self.know(Some(protocol));
        Ok(protocol)
    }

    fn known(&self) -> Option<Protocol> {
        *self
            .0
            .protocol
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn know(&self, protocol: Option<Protocol>) {
        *self
            .0
            .protocol
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = protocol;
    }

    /// Forgets what the server spoke if it has changed its mind: the next request asks again.
    fn failed(&self, error: hyper_util::client::legacy::Error) -> BoxError {
        let mut source = Some(&error as &(dyn std::error::Error + 'static));
        while let Some(reason) = source {
            if reason.is::<ProtocolChanged>() {
                self.know(None);
            }
            source = reason.source();
        }
        error.into()
    }
}

impl tower::Service<Request<Body>> for Wire {
    type Response = Response<Reply>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Reply>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let wire = self.clone();
        async move { wire.send(request).await }.boxed()
    }
}

fn reply<B>(response: Response<B>) -> Response<Reply>
where
    B: http_body::Body<Data = bytes::Bytes, Error = hyper::Error> + Send + 'static,
{
    response.map(|body| body.map_err(BoxError::from).boxed_unsync())
}

/// A request on its way, up to the end of its answer.
struct Turn {
    wire: Wire,
    /// How many there were when it came.
    others: usize,
}

impl Turn {
    fn begin(wire: &Wire) -> Self {
        let others = wire.0.in_flight.fetch_add(1, Ordering::Relaxed);
        let wire = wire.clone();
        Self { wire, others }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.wire.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How HTTP/2 is spoken.
pub(super) struct Http2 {
    silence: Duration,
}

impl Http2 {
    pub(super) fn new(settings: &NetworkingSettings) -> Self {
        Self {
            silence: silence(settings),
        }
    }

    pub(super) fn client(&self, dialer: Dialer) -> Client<Dialer, Body> {
        builder()
            .http2_only(true)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            // Servers refuse what exceeds their limit. Until they have said it, one is no more than any.
            .http2_initial_max_send_streams(1)
            // A peer that is frozen keeps its connection open: ask whether it is there.
            .http2_keep_alive_interval(self.silence)
            .http2_keep_alive_timeout(self.silence)
            .build(dialer)
    }
}

fn builder() -> Builder {
    let mut builder = Client::<(), ()>::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new());
    builder
}
