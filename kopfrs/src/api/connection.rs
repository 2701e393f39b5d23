//! Requests of the framework itself: raw JSON in and out, a bounded number at once, with retries.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, header};
use kube::Client;
use kube::client::Body;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::{ApiError, Failure, LineReader};
use crate::resource::Resource;
use crate::settings::NetworkingSettings;

/// One object, or one subresource of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: &'a str,
}

/// The way to the API, shared by all that the framework does.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    permits: Arc<Semaphore>,
    settings: Arc<NetworkingSettings>,
}

/// How a patch is to be understood.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
}

impl Connection {
    pub(crate) fn new(client: Client, settings: NetworkingSettings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.requests_in_flight.max(1)));
        Self {
            client,
            permits,
            settings: Arc::new(settings),
        }
    }

    /// Reads one object.
    pub(crate) async fn get(&self, target: Target<'_>) -> Result<Value, ApiError> {
        let path = target.resource.path(target.namespace, Some(target.name));
        self.retrying(|| self.json(Method::GET, &path, None)).await
    }

    /// Reads whatever is at a path: discovery documents, say.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        accept: &str,
    ) -> Result<T, ApiError> {
        let request = || Request::get(path).header(header::ACCEPT, accept);
        let text = self
            .retrying(|| async {
                let request = request()
                    .body(Vec::new())
                    .map_err(|error| invalid(&error))?;
                self.limited(self.client.request_text(request)).await
            })
            .await?;
        serde_json::from_str(&text).map_err(|error| ApiError::Garbage(format!("{path}: {error}")))
    }

    /// Reads a page of a list as text, so that its items need not be taken apart before their turn.
    pub(crate) async fn page(&self, path: &str) -> Result<String, ApiError> {
        self.retrying(|| async {
            let request = Request::get(path)
                .body(Vec::new())
                .map_err(|error| invalid(&error))?;
            self.limited(self.client.request_text(request)).await
        })
        .await
    }

    /// Patches one object or a subresource of it; gives the object after it.
    pub(crate) async fn patch(
        &self,
        target: Target<'_>,
        subresource: Option<&str>,
        payload: &Payload,
    ) -> Result<Value, ApiError> {
        let mut path = target.resource.path(target.namespace, Some(target.name));
        if let Some(subresource) = subresource {
            path.push('/');
            path.push_str(subresource);
        }
        let (content_type, body) = match payload {
            Payload::Merge(body) => ("application/merge-patch+json", body),
            Payload::Json(body) => ("application/json-patch+json", body),
        };
        let body = body.to_string();
        self.retrying(|| self.json(Method::PATCH, &path, Some((content_type, &body))))
            .await
    }

    /// Creates an object; gives it as it is stored.
    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        let body = object.to_string();
        self.retrying(|| self.json(Method::POST, path, Some(("application/json", &body))))
            .await
    }

    /// Opens a watch. The lines come as they are sent.
    pub(crate) async fn watch(&self, path: &str) -> Result<LineReader, ApiError> {
        self.watch_as(path, "application/json").await
    }

    /// Opens a watch over objects in another form: their metadata only, say.
    pub(crate) async fn watch_as(&self, path: &str, accept: &str) -> Result<LineReader, ApiError> {
        let request = Request::get(path)
            .header(header::ACCEPT, accept)
            // Servers may compress each event on its own, which readers of streams do not expect.
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Body::empty())
            .map_err(|error| invalid(&error))?;
        let wait = self.settings.request_timeout;
        let response = timeout(wait, self.client.send(request))
            .await
            .map_err(|_| ApiError::Timeout(wait))??;
        LineReader::open(response).await
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &str)>,
    ) -> Result<Value, ApiError> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((content_type, _)) = body {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let body = body
            .map(|(_, body)| body.as_bytes().to_vec())
            .unwrap_or_default();
        let request = request.body(body).map_err(|error| invalid(&error))?;
        self.limited(self.client.request::<Value>(request)).await
    }

    /// Waits for a place among the requests in flight, first come first served, then for the answer.
    async fn limited<T>(
        &self,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ApiError> {
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let wait = self.settings.request_timeout;
        Ok(timeout(wait, answer)
            .await
            .map_err(|_| ApiError::Timeout(wait))??)
    }

    /// Repeats a request that fails for the network's or the server's sake.
    async fn retrying<T, F: Future<Output = Result<T, ApiError>>>(
        &self,
        request: impl Fn() -> F,
    ) -> Result<T, ApiError> {
        let mut pauses = self.settings.error_backoffs.iter();
        loop {
            let error = match request().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = pauses
                .next()
                .filter(|_| error.failure() == Failure::Transient);
            let Some(pause) = pause else {
                return Err(error);
            };
            debug!("request failed, next attempt in {pause:?}: {error}");
            sleep(suggested(&error).unwrap_or(*pause)).await;
        }
    }
}

/// The pause that the server asks for.
fn suggested(error: &ApiError) -> Option<Duration> {
    let ApiError::Status(status) = error else {
        return None;
    };
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
}

fn invalid(error: &http::Error) -> ApiError {
    ApiError::Garbage(format!("the request could not be made: {error}"))
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
