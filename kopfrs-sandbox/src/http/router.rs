//! Finds what a request means and answers it.
//!
//! Nothing here waits but for webhooks (of admission and of conversion) and for the stream of a watch.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use tower::Service;

use super::{
    Body, BoxError, Shutdown, access, documents,
    negotiate::prefers_yaml,
    query::{Query, is_encoded},
    reply::Reply,
    request::RequestInfo,
    resource,
};
use crate::{admission::Caller, cluster::Cluster};

/// The innermost service.
#[derive(Debug, Clone)]
pub(crate) struct Router {
    cluster: Arc<Cluster>,
}

impl Router {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    async fn answer(&self, request: &Request<Bytes>) -> Reply {
        let path = request.uri().path();
        if !is_encoded(path) {
            return Reply::text(StatusCode::BAD_REQUEST, "400 Bad Request");
        }
        if path.contains("//") {
            return documents::misspelt(path);
        }
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let info = match request.extensions().get::<RequestInfo>() {
            Some(info) => info.clone(),
            None => RequestInfo::parse(request.method(), path, &query),
        };
        let user = match access::admit(&self.cluster, request, (&info, &query)) {
            Ok(user) => user,
            Err(refusal) => return Reply::error(&refusal),
        };
        if !info.is_resource {
            return documents::answer(&self.cluster, request, &query);
        }
        let caller = Caller::new(user);
        let context = resource::Context {
            cluster: &self.cluster,
            info: &info,
            is_head: request.method() == Method::HEAD,
            query: &query,
            caller: &caller,
            headers: request.headers(),
            body: request.body(),
            past: request.extensions().get().copied(),
            shutdown: request
                .extensions()
                .get::<Shutdown>()
                .cloned()
                .unwrap_or_default(),
        };
        resource::answer(&context).await
    }
}

impl Service<Request<Bytes>> for Router {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let router = self.clone();
        Box::pin(async move {
            let reply = router.answer(&request).await;
            let accept = request.headers().get(header::ACCEPT);
            let accept = accept.and_then(|value| value.to_str().ok());
            let reply = if prefers_yaml(accept.unwrap_or_default()) {
                reply.into_yaml()
            } else {
                reply
            };
            let mut response = reply.into_response();
            if request.method() == Method::HEAD {
                *response.body_mut() = Body::default();
            }
            Ok(response)
        })
    }
}
