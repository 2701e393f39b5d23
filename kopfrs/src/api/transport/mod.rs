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
use tokio::sync::Semaphore;
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
    places: Arc<Semaphore>,
    fence: Fence,
    /// Whether there are places and connections aside.
    has_reserve: bool,
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
            places,
            fence: Fence::default(),
            has_reserve: false,
        }
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
        self.has_reserve.then(|| Self {
            settings: self.settings.clone(),
            // Those who are aside have places of their own: none is to wait for what the others do there.
            places: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            fence: Fence::default(),
            has_reserve: false,
        })
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
        let answer = async {
            let place = match route {
                // First come, first served.
                Route::Short => Some(
                    self.outfit
                        .places
                        .clone()
                        .acquire_owned()
                        .await
                        .expect("the semaphore is never closed"),
                ),
                Route::Stream | Route::Log | Route::Proxy | Route::Upgrade => None,
            };
            let is_write = is_write(&request);
            let request = self.stack.clone().oneshot(request);
            let response = if is_write {
                self.outfit.fence.guard(request).await?
            } else {
                request.await?
            };
            Ok(response.map(|body| match place {
                Some(_) => Held::new(Paced::new(body, wait), place).boxed_unsync(),
                None => body,
            }))
        };
        match route {
            Route::Short | Route::Stream => timeout(wait, answer)
                .await
                .unwrap_or_else(|_| Err(NoAnswer(wait).into())),
            Route::Log | Route::Proxy | Route::Upgrade => answer.await,
        }
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
