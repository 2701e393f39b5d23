//! The tower service that records.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Response, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use tower::Service;

use super::{
    Journal, Request,
    body::{Counted, Open},
};
use crate::{
    auth::User,
    clock::Clock,
    http::{Body, BoxError, ResultVersion, query::Query, request::RequestInfo},
};

/// Bodies up to here are kept.
const BODY_LIMIT: usize = 1024 * 1024;

/// Records requests on their way to `S`, and tells `S` what they are about.
#[derive(Debug, Clone)]
pub(crate) struct Journaled<S> {
    inner: S,
    journal: Journal,
    clock: Clock,
}

impl<S> Journaled<S> {
    pub(crate) fn new(inner: S, journal: Journal, clock: Clock) -> Self {
        Self {
            inner,
            journal,
            clock,
        }
    }

    fn record(&self, request: &http::Request<Bytes>, info: &RequestInfo) -> Arc<Request> {
        let header = |name| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let body = request.body();
        self.journal.record(Request {
            number: 0,
            time: self.clock.system_time(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            info: info.clone(),
            user_agent: header(header::USER_AGENT).to_owned(),
            content_type: header(header::CONTENT_TYPE).to_owned(),
            body: (!body.is_empty() && body.len() <= BODY_LIMIT).then(|| body.clone()),
            bytes_in: u64::try_from(body.len()).unwrap_or(u64::MAX),
            user: OnceLock::new(),
            fault: OnceLock::new(),
            outcome: OnceLock::new(),
            bytes_out: AtomicU64::new(0),
            is_open: AtomicBool::new(true),
        })
    }
}

/// Notes who sent a request.
pub(crate) fn identify(request: &http::Request<Bytes>, user: &User) {
    if let Some(record) = request.extensions().get::<Arc<Request>>() {
        // The first finding holds: a request has one user.
        let _ = record.user.set(user.name.clone());
    }
}

/// Notes what was injected into a request.
pub(crate) fn disturbed(record: Option<&Arc<Request>>, fault: &str) {
    if let Some(record) = record {
        // What broke it first is what the test wants to know.
        let _ = record.fault.set(fault.to_owned());
    }
}

impl<S> Service<http::Request<Bytes>> for Journaled<S>
where
    S: Service<http::Request<Bytes>, Response = Response<Body>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Bytes>) -> Self::Future {
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let info = RequestInfo::parse(request.method(), request.uri().path(), &query);
        let record = self.record(&request, &info);
        request.extensions_mut().insert(info);
        request.extensions_mut().insert(record.clone());
        let open = Open::new(record.clone(), self.journal.news.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            let version = response
                .extensions()
                .get::<ResultVersion>()
                .map(|version| version.0);
            // Set once, here: nobody else completes this record.
            let _ = record.outcome.set((response.status().as_u16(), version));
            open.answered();
            Ok(response.map(|body| {
                let open = (!body.is_end_stream()).then_some(open);
                Counted { body, open }.boxed_unsync()
            }))
        })
    }
}
