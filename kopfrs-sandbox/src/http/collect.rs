//! Reads request bodies whole before anything looks at them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower::Service;

use super::{Body, BoxError, reply::Reply};
use crate::error::ApiError;

/// A real server's limit of a request body.
const LIMIT: usize = 3 * 1024 * 1024;

/// Turns requests with any body into requests with bytes.
#[derive(Debug, Clone)]
pub(crate) struct Collect<S> {
    inner: S,
}

impl<S> Collect<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B> Service<Request<B>> for Collect<S>
where
    S: Service<Request<Bytes>, Response = Response<Body>, Error = BoxError>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        // The clone may not be ready: the one that was polled is used.
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            match Limited::new(body, LIMIT).collect().await {
                Ok(body) => {
                    inner
                        .call(Request::from_parts(parts, body.to_bytes()))
                        .await
                }
                Err(error) => Ok(Reply::error(&refuse(&error)).into_response()),
            }
        })
    }
}

fn refuse(error: &BoxError) -> ApiError {
    if error.is::<LengthLimitError>() {
        let message = format!("Request entity too large: limit is {LIMIT}");
        ApiError::new(413, "RequestEntityTooLarge", message, None)
    } else {
        ApiError::bad_request(format!(
            "the body of the request could not be read: {error}"
        ))
    }
}
