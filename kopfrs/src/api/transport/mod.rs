//! Requests on their way: which connection takes them, how many at once, and for how long.
//!
//! The vault calls it, one transport for each set of credentials; what they share is the number of
//! places. It repeats nothing: that is for those who know what a request is worth.

mod dialer;
mod held;
mod lanes;
mod paced;
mod pool;
mod route;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt as _};

use self::held::Held;
use self::paced::Paced;
pub(super) use self::route::Route;
use self::wire::Wire;
use super::LoginError;
use super::fence::{Fence, is_write};
use crate::settings::NetworkingSettings;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
pub(super) type Reply = UnsyncBoxBody<Bytes, BoxError>;

type Stack = BoxCloneSyncService<Request<Body>, Response<Reply>, BoxError>;

/// What all transports of an operator share.
#[derive(Clone)]
pub(crate) struct Outfit {
    settings: Arc<NetworkingSettings>,
    /// `None` for as many as come.
    places: Option<Arc<Semaphore>>,
    fence: Fence,
    /// Whether there are places and connections aside.
    has_reserve: bool,
    /// Whether the API server asks.
    is_asked: bool,
}

/// See the module.
pub(super) struct Transport {
    stack: Stack,
    outfit: Outfit,
}

/// No answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
struct NoAnswer(Duration);

impl Outfit {
    pub(crate) fn new(settings: NetworkingSettings) -> Self {
        let places = Arc::new(Semaphore::new(settings.requests_in_flight.max(1)));
        Self {
            settings: Arc::new(settings),
            places: Some(places),
            fence: Fence::default(),
            has_reserve: false,
            is_asked: false,
        }
    }

    /// Keeps connections aside for those whom the API server asks.
    pub(crate) fn asked(mut self) -> Self {
        self.is_asked = true;
        self
    }

    /// Sends what changes something inside of a fence only, and keeps places and connections aside for
    /// those who keep the fence.
    pub(crate) fn fenced_by(mut self, fence: Fence) -> Self {
        self.fence = fence;
        self.has_reserve = true;
        self
    }

    /// What is aside, if anything is: outside of the fence.
    pub(super) fn reserve(&self) -> Option<Self> {
        self.has_reserve.then(|| self.aside())
    }

    /// What is for those whom the API server asks, if it does: outside of the fence. As many as are asked at once may send
    /// something, and they are asked no more often than the API server takes requests: whatever waits there for the end
    /// of what waits here would wait for ever.
    pub(super) fn for_asked(&self) -> Option<Self> {
        self.is_asked.then(|| self.aside())
    }

    /// None of those who are aside is to wait for what the others do there.
    fn aside(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            places: None,
            fence: Fence::default(),
            has_reserve: false,
            is_asked: false,
        }
    }
}

impl Transport {
    /// Connections by a configuration.
    pub(super) fn new(config: Config, outfit: &Outfit) -> Result<Self, LoginError> {
        let config = dressed(config);
        if config.proxy_url.is_some() || config.read_timeout.is_some() {
            // Proxies are kube's business, with those of its features that the program turns on; so
            // are timeouts of single reads.
            let client = Client::try_from(config).map_err(client_error)?;
            return Ok(Self::of_client(client, outfit));
        }
        let wire = Wire::new(&config, &outfit.settings).map_err(client_error)?;
        let stack = ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .option_layer(config.auth_layer().map_err(client_error)?)
            .layer(config.extra_headers_layer().map_err(client_error)?)
            .map_err(BoxError::from)
            .service(wire);
        Ok(Self {
            stack: BoxCloneSyncService::new(stack.map_err(BoxError::from)),
            outfit: outfit.clone(),
        })
    }

    /// Connections of a client that is there already.
    pub(super) fn of_client(client: Client, outfit: &Outfit) -> Self {
        let service = tower::service_fn(move |request: Request<Body>| {
            let client = client.clone();
            async move {
                let response = client.send(request).await?;
                Ok::<_, BoxError>(response.map(|body| body.map_err(BoxError::from).boxed_unsync()))
            }
        });
        Self {
            stack: BoxCloneSyncService::new(service),
            outfit: outfit.clone(),
        }
    }

    /// Sends a request; the body of the answer may still be on its way then.
    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Reply>, BoxError> {
        let route = Route::of(&request);
        request.extensions_mut().insert(route);
        let wait = self.outfit.settings.request_timeout;
        let place = self.place(route).await;
        let answer = async {
            let is_write = is_write(&request);
            let request = self.stack.clone().oneshot(request);
            let response = if is_write {
                self.outfit.fence.guard(request).await?
            } else {
                request.await?
            };
            Ok(response.map(|body| match route {
                Route::Short => Held::new(Paced::new(body, wait), place).boxed_unsync(),
                Route::Stream | Route::Log | Route::Proxy | Route::Upgrade => body,
            }))
        };
        match route {
            Route::Short | Route::Stream => timeout(wait, answer)
                .await
                .unwrap_or_else(|_| Err(NoAnswer(wait).into())),
            Route::Log | Route::Proxy | Route::Upgrade => answer.await,
        }
    }

    /// A place among the requests that may be on their way at once, first come first served. The server is not to blame
    /// for how long that takes.
    async fn place(&self, route: Route) -> Option<OwnedSemaphorePermit> {
        let places = self.outfit.places.as_ref();
        let places = places.filter(|_| matches!(route, Route::Short))?.clone();
        let place = places.acquire_owned().await;
        Some(place.expect("the semaphore is never closed"))
    }
}

/// The configuration with what the framework wants of each client.
fn dressed(mut config: Config) -> Config {
    // Retries are our own: kube's silent ones would hide minutes inside of one request.
    config.default_retry = false;
    let agent = concat!("kopfrs/", env!("CARGO_PKG_VERSION"));
    let mut headers = config.headers.iter();
    if !headers.any(|(name, _)| name == header::USER_AGENT) {
        let agent = HeaderValue::from_static(agent);
        config.headers.push((header::USER_AGENT, agent));
    }
    config
}

fn client_error(error: kube::Error) -> LoginError {
    LoginError::Client(Box::new(error))
}
