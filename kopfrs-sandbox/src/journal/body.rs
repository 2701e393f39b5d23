//! Bodies of answers on their way out: counted, and known to be open until they are dropped.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;

use super::Request;
use crate::http::{Body, BoxError};

/// Marks a request as open until it is dropped.
#[derive(Debug)]
pub(super) struct Open {
    record: Arc<Request>,
    news: Arc<Notify>,
}

impl Open {
    pub(super) fn new(record: Arc<Request>, news: Arc<Notify>) -> Self {
        Self { record, news }
    }

    /// The answer has begun.
    pub(super) fn answered(&self) {
        self.news.notify_waiters();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.record.is_open.store(false, Ordering::Release);
        self.news.notify_waiters();
    }
}

pub(super) struct Counted {
    pub(super) body: Body,
    pub(super) open: Option<Open>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let (Poll::Ready(Some(Ok(frame))), Some(open)) = (&polled, &self.open)
            && let Some(data) = frame.data_ref()
        {
            let bytes = u64::try_from(data.len()).unwrap_or(u64::MAX);
            open.record.bytes_out.fetch_add(bytes, Ordering::Relaxed);
        }
        let ends = matches!(&polled, Poll::Ready(None | Some(Err(_))));
        if ends || self.body.is_end_stream() {
            self.open = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
