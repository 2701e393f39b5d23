//! The body of an answer that must not stop coming: whoever reads it would wait for ever, and keep a
//! place from others.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{BoxError, NoAnswer, Reply};

/// See the module. Only the time that somebody waits for the next part counts, not the time that the
/// reader takes.
pub(super) struct Paced {
    body: Reply,
    wait: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    pub(super) fn new(body: Reply, wait: Duration) -> Self {
        Self {
            body,
            wait,
            waiting: None,
        }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waiting = None;
            return Poll::Ready(frame);
        }
        let wait = self.wait;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(wait)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Some(Err(NoAnswer(wait).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
