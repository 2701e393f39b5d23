//! Hands requests on to another API server.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, Request, Response, header};
use http_body_util::BodyExt;
use tower::Service;

use super::ServeError;
use crate::{
    auth::User,
    http::{Body, BoxError},
};

/// Headers that are about one connection, and so never handed on.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
];

/// The server behind a proxy.
#[derive(Clone)]
pub(super) struct Forward {
    /// For whom the proxy knows.
    own: kube::Client,
    /// For all others: whatever they show is shown to the server.
    bare: kube::Client,
}

impl Forward {
    pub(super) fn new(mut config: kube::Config) -> Result<Self, ServeError> {
        // Every answer is the client's to judge, and watches may be silent for as long as they like.
        config.default_retry = false;
        config.read_timeout = None;
        let mut bare = config.clone();
        bare.auth_info = kube::config::AuthInfo::default();
        let client = |config| {
            kube::Client::try_from(config).map_err(|error| ServeError::Upstream(Box::new(error)))
        };
        Ok(Self {
            own: client(config)?,
            bare: client(bare)?,
        })
    }
}

impl Service<Request<Bytes>> for Forward {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let is_known = request.extensions().get::<User>().is_some();
        let client = if is_known { &self.own } else { &self.bare }.clone();
        let (parts, body) = request.into_parts();
        let mut forwarded = Request::new(kube::client::Body::from(body));
        *forwarded.method_mut() = parts.method;
        *forwarded.uri_mut() = relative(&parts.uri);
        *forwarded.headers_mut() = parts.headers;
        for name in &OF_THE_CONNECTION {
            forwarded.headers_mut().remove(name);
        }
        if is_known {
            forwarded.headers_mut().remove(header::AUTHORIZATION);
        }
        Box::pin(async move {
            let mut answer = client.send(forwarded).await?;
            for name in &OF_THE_CONNECTION {
                // The length of the body stays true, as long as no fault replaces it.
                if name != header::CONTENT_LENGTH {
                    answer.headers_mut().remove(name);
                }
            }
            Ok(answer.map(|body| body.map_err(BoxError::from).boxed_unsync()))
        })
    }
}

/// Path and query: over HTTP/2 the rest of a client's address comes with them.
fn relative(uri: &http::Uri) -> http::Uri {
    match uri.path_and_query() {
        Some(path) => http::Uri::from(path.clone()),
        None => http::Uri::from_static("/"),
    }
}
