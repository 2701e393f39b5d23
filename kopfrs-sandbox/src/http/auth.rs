//! Bearer token authentication, for servers on a port.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::{Either, Ready, ready};
use http::{Request, Response, header};
use tower::Service;

use super::{Body, reply::Reply};
use crate::error::ApiError;

/// Lets requests with the token pass; without a token set, all.
#[derive(Debug, Clone)]
pub(crate) struct Auth<S> {
    inner: S,
    token: Option<String>,
}

impl<S> Auth<S> {
    pub(crate) fn new(inner: S, token: Option<String>) -> Self {
        Self { inner, token }
    }

    fn admits(&self, request: &Request<Bytes>) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let given = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        given
            .and_then(|given| given.strip_prefix("Bearer "))
            .is_some_and(|given| given.trim() == token)
    }
}

impl<S> Service<Request<Bytes>> for Auth<S>
where
    S: Service<Request<Bytes>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        if self.admits(&request) {
            Either::Left(self.inner.call(request))
        } else {
            Either::Right(ready(Ok(
                Reply::error(&ApiError::unauthorized()).into_response()
            )))
        }
    }
}
