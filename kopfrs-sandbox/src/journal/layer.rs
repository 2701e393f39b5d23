//! The tower service that records.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Response, header};
use tower::Service;

use super::{Journal, Request};
use crate::{
    cluster::Cluster,
    http::{Body, ResultVersion, query::Query, request::RequestInfo},
};

/// Bodies up to here are kept.
const BODY_LIMIT: usize = 1024 * 1024;

/// Records requests on their way to `S`, and tells `S` what they are about.
#[derive(Debug, Clone)]
pub(crate) struct Journaled<S> {
    inner: S,
    journal: Journal,
    cluster: Arc<Cluster>,
}

impl<S> Journaled<S> {
    pub(crate) fn new(inner: S, journal: Journal, cluster: Arc<Cluster>) -> Self {
        Self {
            inner,
            journal,
            cluster,
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
            time: self.cluster.clock.system_time(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            info: info.clone(),
            user_agent: header(header::USER_AGENT).to_owned(),
            content_type: header(header::CONTENT_TYPE).to_owned(),
            body: (!body.is_empty() && body.len() <= BODY_LIMIT).then(|| body.clone()),
            outcome: OnceLock::new(),
        })
    }
}

impl<S> Service<http::Request<Bytes>> for Journaled<S>
where
    S: Service<http::Request<Bytes>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Bytes>) -> Self::Future {
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let info = RequestInfo::parse(request.method(), request.uri().path(), &query);
        let record = self.record(&request, &info);
        request.extensions_mut().insert(info);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            let version = response
                .extensions()
                .get::<ResultVersion>()
                .map(|version| version.0);
            // Set once, here: nobody else completes this record.
            let _ = record.outcome.set((response.status().as_u16(), version));
            Ok(response)
        })
    }
}
