//! One connection: its handshake, its protocol, its end, and the times a client has for each.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpStream, sync::watch, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use super::Stack;
use crate::http::{Body, BoxError, Connection, Shutdown, reply::Reply};

/// How long a client may take for the handshake, and for the head of a request: as with a real server.
const HEAD: Duration = Duration::from_secs(32);
/// How long a connection may be without a request: as with a real server.
const IDLE: Duration = Duration::from_secs(90);
/// Requests at once in one HTTP/2 connection: as with a real server.
const STREAMS: u32 = 100;
/// Headers of a request at most. A real server bounds their bytes only.
const HEADERS: usize = 1000;
/// The longest head of a request in HTTP/2: as with a real server.
const HEAD_SIZE: u32 = 1024 * 1024;

/// What is behind a port.
pub(super) trait Behind:
    Service<Request<Bytes>, Response = Response<Body>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Behind for S where
    S: Service<Request<Bytes>, Response = Response<Body>, Error = BoxError, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Serves a connection until it ends; when the server stops, what is under way may finish.
pub(super) async fn serve<S: Behind>(
    stream: TcpStream,
    tls: TlsAcceptor,
    (stack, cut): (Stack<S>, Connection),
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to set TCP_NODELAY");
    }
    let handshake = tokio::select! {
        handshake = timeout(HEAD, tls.accept(stream)) => handshake,
        // Nobody waits for a client that has not even said hello.
        () = shutdown.cancelled() => return,
    };
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => return tracing::debug!("a TLS handshake took too long"),
    };
    let (activity, marker) = (Activity::default(), Shutdown(shutdown.clone()));
    let stack = stack.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(marker.clone());
        request.extensions_mut().insert(cut.clone());
        request
    });
    let service = TowerToHyperService::new(Tracked {
        inner: stack,
        activity: activity.clone(),
    });
    let builder = protocol(&stream);
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
        // A client that says nothing is not told anything either.
        () = activity.idle() => Ok(()),
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended with an error");
    }
}

/// The protocol that was agreed upon in the handshake: nothing is guessed from what a client sends, or does not send.
fn protocol(stream: &TlsStream<TcpStream>) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let timer = TokioTimer::new();
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        let mut http2 = builder.http2();
        http2.timer(timer).max_concurrent_streams(STREAMS);
        http2.max_header_list_size(HEAD_SIZE);
        builder.http2_only()
    } else {
        let mut http1 = builder.http1();
        http1.timer(timer).header_read_timeout(HEAD);
        http1.max_headers(HEADERS);
        builder.http1_only()
    }
}

/// How many requests of a connection are under way.
#[derive(Clone)]
struct Activity(Arc<watch::Sender<usize>>);

impl Default for Activity {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

/// A request that is under way until this is dropped.
struct Busy(Activity);

impl Activity {
    fn begin(&self) -> Busy {
        self.0.send_modify(|requests| *requests += 1);
        Busy(self.clone())
    }

    /// Waits until there has been no request for long.
    async fn idle(&self) {
        let mut requests = self.0.subscribe();
        loop {
            // The sender lives in this activity.
            let _ = requests.wait_for(|requests| *requests == 0).await;
            if timeout(IDLE, requests.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.send_modify(|requests| *requests -= 1);
    }
}

/// Knows which requests are under way on their way to `S`.
#[derive(Clone)]
struct Tracked<S> {
    inner: S,
    activity: Activity,
}

impl<S> Service<Request<Incoming>> for Tracked<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Held>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Held>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let busy = self.activity.begin();
        if request.version() == Version::HTTP_11 && !request.headers().contains_key(header::HOST) {
            let why = "400 Bad Request: missing required Host header";
            let refusal = Reply::text(StatusCode::BAD_REQUEST, why).into_response();
            let refusal = refusal.map(|body| Held { body, _busy: busy });
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            answer.map(|answer| answer.map(|body| Held { body, _busy: busy }))
        })
    }
}

/// The body of an answer, with which its request ends.
struct Held {
    body: Body,
    _busy: Busy,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
