//! Bearer token authentication.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, header};
use tower::Service;

use super::{Body, BoxError, reply::Reply};
use crate::{
    auth::{Session, Tokens, User},
    error::ApiError,
    journal,
};

/// What happens to requests that show no token, or one that nobody here gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strangers {
    /// In-process: whoever shows nothing is the administrator. Wrong tokens are wrong even so.
    Trusted,
    /// On a port: 401.
    Refused,
    /// In front of another server: that one decides.
    PassedOn,
}

/// Finds out who asks, and lets them pass if they may ask at all.
#[derive(Debug, Clone)]
pub(crate) struct Auth<S> {
    inner: S,
    tokens: Tokens,
    strangers: Strangers,
}

/// Ends the watch that an answer carries when its token is revoked; put into the extensions of answers.
#[derive(Debug, Clone)]
pub(crate) struct SessionEnd(pub(crate) tokio_util::sync::CancellationToken);

/// Tells who sends a request, for those who have to know before it is judged.
pub(crate) trait Authenticate {
    fn who(&self, request: &Request<Bytes>) -> Option<User>;
}

enum Verdict {
    Known(Session),
    Trusted,
    PassedOn,
    Refused,
}

impl<S> Auth<S> {
    pub(crate) fn new(inner: S, tokens: Tokens, strangers: Strangers) -> Self {
        Self {
            inner,
            tokens,
            strangers,
        }
    }

    fn judge(&self, request: &Request<Bytes>) -> Verdict {
        let header = request.headers().get(header::AUTHORIZATION);
        let session = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .and_then(|token| self.tokens.session(token.trim()));
        match (session, self.strangers) {
            (Some(session), _) => Verdict::Known(session),
            (None, Strangers::Trusted) if header.is_none() => Verdict::Trusted,
            (None, Strangers::PassedOn) => Verdict::PassedOn,
            (None, Strangers::Trusted | Strangers::Refused) => Verdict::Refused,
        }
    }
}

impl<S> Authenticate for Auth<S> {
    fn who(&self, request: &Request<Bytes>) -> Option<User> {
        match self.judge(request) {
            Verdict::Known(session) => Some(session.user),
            Verdict::Trusted => Some(User::admin()),
            Verdict::PassedOn | Verdict::Refused => None,
        }
    }
}

impl<S> Service<Request<Bytes>> for Auth<S>
where
    S: Service<Request<Bytes>, Response = Response<Body>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        let (user, ended) = match self.judge(&request) {
            Verdict::Refused => {
                let refusal = Reply::error(&ApiError::unauthorized()).into_response();
                return Box::pin(std::future::ready(Ok(refusal)));
            }
            Verdict::PassedOn => return Box::pin(self.inner.call(request)),
            Verdict::Trusted => (User::admin(), None),
            Verdict::Known(session) => (session.user, Some(session.ended)),
        };
        journal::identify(&request, &user);
        request.extensions_mut().insert(user);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            if let Some(ended) = ended {
                response.extensions_mut().insert(SessionEnd(ended));
            }
            Ok(response)
        })
    }
}
