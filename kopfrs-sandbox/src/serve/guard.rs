//! Keeps a panic to the request that it happened in.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tower::Service;

use crate::http::{Body, BoxError, reply::Reply};

/// What a real server says when it panics.
const APOLOGY: &str = "This request caused apiserver to panic. Look in the logs for details.\n";

/// Answers with a 500 where `S` panics, and breaks a stream whose source panics.
#[derive(Debug, Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
}

/// A body whose source has panicked.
#[derive(Debug, thiserror::Error)]
#[error("the source of the stream panicked")]
struct Panicked;

impl<S> Guarded<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S> Service<Request<Bytes>> for Guarded<S>
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

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let subject = format!("{} {}", request.method(), request.uri().path());
        // What is behind holds no state that a panic leaves half done: the store commits in one step.
        let called = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        Box::pin(async move {
            let answered = match called {
                Ok(answer) => AssertUnwindSafe(answer).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            match answered {
                Ok(answer) => answer
                    .map(|answer| answer.map(|body| Source { body: Some(body) }.boxed_unsync())),
                Err(panic) => {
                    tracing::error!(
                        request = subject,
                        panic = text(&*panic),
                        "a request panicked"
                    );
                    let apology = Reply::text(StatusCode::INTERNAL_SERVER_ERROR, APOLOGY);
                    Ok(apology.into_response())
                }
            }
        })
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = || panic.downcast_ref::<String>().map(String::as_str);
    let text = panic.downcast_ref::<&str>().copied().or_else(owned);
    text.unwrap_or("no text")
}

/// The body of an answer; `None` after its source has panicked.
struct Source {
    body: Option<Body>,
}

impl http_body::Body for Source {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(context)));
        polled.unwrap_or_else(|panic| {
            self.body = None;
            tracing::error!(panic = text(&*panic), "a stream panicked");
            Poll::Ready(Some(Err(Panicked.into())))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use http_body_util::StreamBody;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::http::reply::whole;

    async fn answer(request: Request<Bytes>) -> Result<Response<Body>, BoxError> {
        match request.uri().path() {
            "/at-once" => panic!("at once"),
            "/stream" => {
                let frames = stream::iter([1, 0]).map(|number| {
                    assert!(number > 0, "in the stream");
                    Ok::<_, BoxError>(Frame::data(Bytes::from_static(b"a line\n")))
                });
                Ok(Response::new(StreamBody::new(frames).boxed_unsync()))
            }
            _ => Ok(Response::new(whole(Bytes::from_static(b"fine")))),
        }
    }

    async fn ask(path: &str) -> (StatusCode, Option<Bytes>) {
        let request = Request::get(path).body(Bytes::new()).expect("a request");
        let service = Guarded::new(service_fn(answer));
        let answer = service.oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = answer.into_body().collect().await;
        (status, body.ok().map(http_body_util::Collected::to_bytes))
    }

    #[tokio::test]
    async fn a_panic_becomes_the_500_of_a_real_server() {
        assert_eq!(ask("/fine").await.1.expect("a body"), "fine");
        let (status, body) = ask("/at-once").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body.expect("a body"), APOLOGY);
    }

    #[tokio::test]
    async fn a_stream_whose_source_panics_breaks() {
        let (status, body) = ask("/stream").await;
        assert_eq!((status, body), (StatusCode::OK, None));
    }
}
