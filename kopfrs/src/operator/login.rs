//! Who the operator is: asks the login handlers, or looks for credentials itself. The vault calls it,
//! at the start and whenever it has none that are good.

use std::sync::{Arc, Weak};

use futures::FutureExt as _;
use tracing::{Instrument as _, Span};

use super::builder::Access;
use crate::api::{Credentials, Login, LoginError, login};
use crate::cause::{Activity, ActivityCause};
use crate::engine::activities;
use crate::handler::{Environment, Handler, Memos};

/// The login handlers, and what they are called with.
pub(super) struct LoginHandlers {
    pub(super) handlers: Vec<Arc<Handler<ActivityCause>>>,
    pub(super) memos: Memos,
    /// The environment holds the client that holds the vault that holds this.
    pub(super) environment: Weak<Environment>,
}

/// What to go by when no login handler gives anything.
enum Otherwise {
    Infer,
    Given(Credentials),
    /// Nothing else may be talked to.
    Only(Credentials),
}

/// How an operator gets to its client.
pub(super) enum Way {
    /// By credentials, as often as they are needed.
    Login(Login),
    /// It has one. The login handlers are called all the same, once.
    Client(kube::Client, LoginHandlers),
}

impl Way {
    pub(super) fn new(access: Access, handlers: LoginHandlers) -> Self {
        let otherwise = match access {
            Access::Login => Otherwise::Infer,
            Access::Given(credentials) => Otherwise::Given(*credentials),
            Access::Only(credentials) => Otherwise::Only(*credentials),
            Access::Client(client) => return Self::Client(client, handlers),
        };
        let shared = Arc::new((otherwise, handlers));
        // Whoever needs credentials has them renewed; in the log, that is the operator's.
        let span = Span::current();
        Self::Login(Arc::new(move || {
            let shared = shared.clone();
            let login = async move {
                let (otherwise, handlers) = &*shared;
                let found = match otherwise {
                    Otherwise::Only(only) => login::confined(only.clone(), handlers.call()).await?,
                    Otherwise::Infer | Otherwise::Given(_) => handlers.call().await?,
                };
                otherwise.complete(found).await
            };
            login.instrument(span.clone()).boxed()
        }))
    }
}

impl LoginHandlers {
    /// Calls the login handlers; gives what they return. What they return besides is not used, also
    /// where the client is given.
    pub(super) async fn call(&self) -> Result<Vec<Credentials>, LoginError> {
        let environment = self.environment.upgrade().ok_or(LoginError::Ended)?;
        let outcomes = activities::run(Activity::Login, &self.handlers, &self.memos, &environment)
            .await
            .map_err(|failed| LoginError::Handler {
                id: failed.id,
                message: failed.message,
            })?;
        let products = outcomes.into_iter().filter_map(|outcome| outcome.product);
        let credentials = products.filter_map(|product| product.downcast::<Credentials>().ok());
        Ok(credentials.map(|boxed| *boxed).collect())
    }
}

impl Otherwise {
    async fn complete(&self, found: Vec<Credentials>) -> Result<Vec<Credentials>, LoginError> {
        match self {
            Self::Only(only) => {
                let url = |credentials: &Credentials| {
                    credentials
                        .config()
                        .map(|config| config.cluster_url.clone())
                };
                match found.iter().find(|found| url(found) != url(only)) {
                    Some(foreign) => Err(LoginError::Foreign { url: foreign.url() }),
                    None => Ok(vec![only.clone()]),
                }
            }
            _ if !found.is_empty() => Ok(found),
            Self::Given(given) => Ok(vec![login::renewed(given).await?]),
            Self::Infer => Ok(vec![login::infer().await?]),
        }
    }
}
