//! Requests of the framework itself: raw JSON in and out, a bounded number at once, with retries.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::fence::Reserved;
use super::refusal::refusal;
use super::{ApiError, Failure, LineReader, RequestCounts, RequestOutcome};
use crate::clock::Clock;
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
    clock: Clock,
    counts: RequestCounts,
    is_reserved: bool,
}

/// How a patch is to be understood.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
}

/// A request, to be sent as often as it takes.
struct Call<'a> {
    method: Method,
    path: &'a str,
    accept: Option<&'a str>,
    content_type: Option<&'static str>,
    body: Bytes,
}

tokio::task_local! {
    /// Who wants to know that a request has to be repeated after a pause.
    static PAUSED: Arc<Notify>;
}

/// Awaits requests. Calls the function when one of them has failed and is repeated after a pause.
pub(crate) async fn noticing_pauses<T>(
    requests: Pin<&mut impl Future<Output = T>>,
    mut on_pause: impl FnMut(),
) -> T {
    let paused = Arc::new(Notify::new());
    let mut requests = pin!(PAUSED.scope(paused.clone(), requests));
    loop {
        tokio::select! {
            biased;
            answer = &mut requests => return answer,
            () = paused.notified() => on_pause(),
        }
    }
}

impl Connection {
    pub(crate) fn new(client: Client, settings: NetworkingSettings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.requests_in_flight.max(1)));
        Self {
            client,
            permits,
            settings: Arc::new(settings),
            clock: Clock::start(),
            counts: RequestCounts::default(),
            is_reserved: false,
        }
    }

    /// The same way to the API, but with places and connections aside, outside of the fence; each
    /// request is sent once, and its answer waited for as long as given.
    pub(crate) fn reserved(&self, request_timeout: Duration) -> Self {
        let settings = NetworkingSettings {
            requests_in_flight: 4,
            request_timeout: request_timeout.min(self.settings.request_timeout),
            error_backoffs: Vec::new(),
            ..(*self.settings).clone()
        };
        Self {
            is_reserved: true,
            ..Self::new(self.client.clone(), settings).counted_by(self.counts.clone())
        }
    }

    /// The default namespace of the credentials.
    pub(crate) fn namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// The same for another client.
    pub(crate) fn through(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Counts requests together with those of others.
    pub(crate) fn counted_by(mut self, counts: RequestCounts) -> Self {
        self.counts = counts;
        self
    }

    /// Reads one object.
    pub(crate) async fn get(&self, target: Target<'_>) -> Result<Value, ApiError> {
        let path = target.resource.path(target.namespace, Some(target.name));
        self.json(&Call::get(&path)).await
    }

    /// Reads whatever is at a path: discovery documents, say.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        accept: &str,
    ) -> Result<T, ApiError> {
        let accept = Some(accept);
        self.json(&Call {
            accept,
            ..Call::get(path)
        })
        .await
    }

    /// Reads a page of a list as text, so that its items need not be taken apart before their turn.
    pub(crate) async fn page(&self, path: &str) -> Result<String, ApiError> {
        let text = self.retrying(&Call::get(path)).await?;
        String::from_utf8(text.into())
            .map_err(|error| ApiError::Garbage(format!("{path}: {error}")))
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
        self.json(&Call {
            method: Method::PATCH,
            content_type: Some(content_type),
            body: body.to_string().into(),
            ..Call::get(&path)
        })
        .await
    }

    /// Applies a part of an object under the name of an owner, by force; gives the object after it.
    #[cfg(feature = "admission")]
    pub(crate) async fn apply(
        &self,
        target: Target<'_>,
        owner: &str,
        object: &Value,
    ) -> Result<Value, ApiError> {
        let path = target.resource.path(target.namespace, Some(target.name));
        let path = format!("{path}?fieldManager={owner}&force=true");
        self.json(&Call {
            method: Method::PATCH,
            content_type: Some("application/apply-patch+yaml"),
            body: object.to_string().into(),
            ..Call::get(&path)
        })
        .await
    }

    /// Creates an object; gives it as it is stored.
    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        self.json(&Call {
            method: Method::POST,
            content_type: Some("application/json"),
            body: object.to_string().into(),
            ..Call::get(path)
        })
        .await
    }

    /// Replaces an object; gives it as it is stored.
    pub(crate) async fn replace(
        &self,
        target: Target<'_>,
        object: &Value,
    ) -> Result<Value, ApiError> {
        let path = target.resource.path(target.namespace, Some(target.name));
        self.json(&Call {
            method: Method::PUT,
            content_type: Some("application/json"),
            body: object.to_string().into(),
            ..Call::get(&path)
        })
        .await
    }

    /// Opens a watch. The lines come as they are sent.
    pub(crate) async fn watch(&self, path: &str) -> Result<LineReader, ApiError> {
        self.watch_as(path, "application/json").await
    }

    /// Opens a watch over objects in another form: their metadata only, say.
    pub(crate) async fn watch_as(&self, path: &str, accept: &str) -> Result<LineReader, ApiError> {
        let accept = Some(accept);
        let call = Call {
            accept,
            ..Call::get(path)
        };
        let mut request = self.request(&call)?;
        // Servers may compress each event on its own, which readers of streams do not expect.
        let identity = header::HeaderValue::from_static("identity");
        request
            .headers_mut()
            .insert(header::ACCEPT_ENCODING, identity);
        let wait = self.settings.request_timeout;
        let answer = async {
            let response = self.client.send(request).await;
            let response = response.map_err(|error| call.lost(error))?;
            if response.status().is_success() {
                return Ok(LineReader::new(response.into_body()));
            }
            Err(refusal(&call.method, path, response, self.clock.now()).await)
        };
        let answer = timeout(wait, answer)
            .await
            .unwrap_or_else(|_| Err(call.late(wait)));
        self.count(&call, answer.as_ref().err());
        answer
    }

    fn request(&self, call: &Call<'_>) -> Result<Request<Body>, ApiError> {
        let mut request = call.request()?;
        if self.is_reserved {
            request.extensions_mut().insert(Reserved);
        }
        Ok(request)
    }

    fn count(&self, call: &Call<'_>, error: Option<&ApiError>) {
        let outcome = match error.map(ApiError::code) {
            None => RequestOutcome::Ok,
            Some(Some(code)) => RequestOutcome::Refused(code),
            Some(None) => RequestOutcome::Failed,
        };
        self.counts.add(&call.method, call.path, outcome);
    }

    async fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, ApiError> {
        let text = self.retrying(call).await?;
        serde_json::from_slice(&text)
            .map_err(|error| ApiError::Garbage(format!("{}: {error}", call.path)))
    }

    /// Repeats a request that fails for the network's or the server's sake. It keeps no place among
    /// those in flight while it waits.
    async fn retrying(&self, call: &Call<'_>) -> Result<Bytes, ApiError> {
        let mut pauses = self.settings.error_backoffs.iter();
        loop {
            let error = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = pauses
                .next()
                .filter(|_| error.failure() == Failure::Transient);
            let Some(pause) = pause else {
                return Err(error);
            };
            let pause = error.suggested_pause().unwrap_or(*pause);
            debug!("request failed, next attempt in {pause:?}: {error}");
            let _ = PAUSED.try_with(|paused| paused.notify_one());
            sleep(pause).await;
        }
    }

    /// Waits for a place among the requests in flight, first come first served, then for the answer.
    async fn once(&self, call: &Call<'_>) -> Result<Bytes, ApiError> {
        let request = self.request(call)?;
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let wait = self.settings.request_timeout;
        let answer = async {
            let response = self.client.send(request).await;
            let response = response.map_err(|error| call.lost(error))?;
            if !response.status().is_success() {
                let now = self.clock.now();
                return Err(refusal(&call.method, call.path, response, now).await);
            }
            let body = response.into_body().collect().await;
            Ok(body.map_err(|error| call.lost(error))?.to_bytes())
        };
        let answer = timeout(wait, answer)
            .await
            .unwrap_or_else(|_| Err(call.late(wait)));
        self.count(call, answer.as_ref().err());
        answer
    }
}

impl<'a> Call<'a> {
    fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            accept: None,
            content_type: None,
            body: Bytes::new(),
        }
    }

    fn request(&self) -> Result<Request<Body>, ApiError> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.path);
        if let Some(accept) = self.accept {
            request = request.header(header::ACCEPT, accept);
        }
        if let Some(content_type) = self.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        request
            .body(Body::from(self.body.clone()))
            .map_err(|error| ApiError::Garbage(format!("the request could not be made: {error}")))
    }

    /// The request, for people.
    fn said(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }

    fn lost(&self, error: kube::Error) -> ApiError {
        ApiError::Transport {
            request: self.said(),
            source: Box::new(error),
        }
    }

    fn late(&self, wait: Duration) -> ApiError {
        ApiError::Timeout {
            request: self.said(),
            wait,
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
