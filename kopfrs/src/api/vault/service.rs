//! Requests through the vault: with the best credentials, and again with others when these are refused.

use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;

use super::Vault;
use crate::api::transport::{BoxError, Reply, Route};

/// How many logins a request may wait for before its refusal counts.
const LOGINS: u64 = 2;

/// What the operator's client is built on.
#[derive(Clone)]
pub(super) struct Service(pub(super) Vault);

impl tower::Service<Request<Body>> for Service {
    type Response = Response<Reply>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Reply>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Requests wait for their place one by one, not in front of the door: see `transport`.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let vault = self.0.clone();
        async move { vault.send(request).await }.boxed()
    }
}

impl Vault {
    async fn send(&self, request: Request<Body>) -> Result<Response<Reply>, BoxError> {
        let begun = self.rounds();
        let is_spent = || self.rounds() >= begun + LOGINS;
        // Whoever is behind a proxy of the API server has credentials of its own.
        let is_for_others = Route::of(&request) == Route::Proxy;
        let mut request = request;
        let mut refusal = None;
        loop {
            let link = match self.link().await {
                Ok(link) => link,
                Err(_) if !is_spent() => continue,
                Err(error) => return refusal.ok_or_else(|| BoxError::from(error)),
            };
            let next = copy(&request);
            let number = self.next();
            let response = match link.way_of(&request).send(request).await {
                Ok(response) => response,
                Err(error) => {
                    link.unanswered(&error);
                    return Err(error);
                }
            };
            if response.status() != StatusCode::UNAUTHORIZED {
                self.accepted(&link, number);
                return Ok(response);
            }
            if is_for_others || !self.refused(&link, number) {
                return Ok(response);
            }
            let Some(next) = next.filter(|_| !is_spent()) else {
                return Ok(response);
            };
            request = next;
            // Read to its end, so that it does not keep the place that its own repetition needs.
            refusal = match read(response).await {
                Ok(refusal) => Some(refusal),
                Err(error) => return Err(error),
            };
        }
    }
}

/// The same request once more, if its body is no stream.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    *copy.version_mut() = request.version();
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}

async fn read(response: Response<Reply>) -> Result<Response<Reply>, BoxError> {
    let (parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => return Err(error),
    };
    let body = Full::new(bytes).map_err(|never| match never {});
    Ok(Response::from_parts(parts, body.boxed_unsync()))
}
