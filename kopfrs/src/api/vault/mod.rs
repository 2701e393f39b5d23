//! The vault: the credentials that are good at the moment, who asks for new ones, and how often.
//!
//! All requests of an operator pass it, its own and those of handlers. It knows when credentials are
//! refused or expire, and that one login is enough for all who wait for it. It does not know what a
//! login is: the operator gives it a function.

mod link;
mod service;
mod state;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::Client;
use kube::client::Body;
use tokio::time::{sleep, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use self::link::Link;
use self::service::Service;
use self::state::{Outcome, State};
use super::fence::Asked;
use super::transport::Outfit;
use super::{Credentials, LoginError};
use crate::clock::Clock;

/// Asks for credentials: all that there are.
pub(crate) type Login =
    Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<Credentials>, LoginError>> + Send + Sync>;

/// See the module.
#[derive(Clone)]
pub(crate) struct Vault(Arc<Inner>);

struct Inner {
    login: Login,
    outfit: Outfit,
    clock: Clock,
    state: Mutex<State>,
    /// Numbers the requests, to tell what was sent before what.
    sent: AtomicU64,
}

impl Vault {
    /// Logs in for the first time.
    pub(crate) async fn open(
        login: Login,
        outfit: Outfit,
        clock: Clock,
    ) -> Result<Self, LoginError> {
        let links = gather(&login, &outfit, clock).await?;
        for link in &links {
            info!("connecting to {}", link.url);
        }
        Ok(Self(Arc::new(Inner {
            login,
            outfit,
            clock,
            state: Mutex::new(State::new(links)),
            sent: AtomicU64::new(0),
        })))
    }

    /// A client that stays good whatever happens to the credentials.
    pub(crate) fn client(&self) -> Client {
        let namespace = self.state().namespace().to_owned();
        Client::new(Service(self.clone()), namespace)
    }

    /// A client of the same credentials for those whom the API server asks.
    pub(crate) fn client_of_asked(&self) -> Client {
        let (namespace, vault) = (self.state().namespace().to_owned(), self.clone());
        let service = tower::service_fn(move |mut request: http::Request<Body>| {
            request.extensions_mut().insert(Asked);
            tower::Service::call(&mut Service(vault.clone()), request)
        });
        Client::new(service, namespace)
    }

    /// Where the API is, as the present credentials say.
    pub(crate) fn address(&self) -> Option<http::Uri> {
        self.state().address()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The best credentials that are good; logs in if there are none.
    async fn link(&self) -> Result<Arc<Link>, Arc<LoginError>> {
        let now = self.0.clock.now();
        let (attempt, is_usable) = {
            let mut state = self.state();
            if let Some(link) = state.fresh(now) {
                return Ok(link);
            }
            let attempt = state.attempt(|pause| self.attempt(pause));
            (attempt, state.usable(now).is_some())
        };
        let outcome = attempt.outcome.clone();
        let outcome = if is_usable {
            let Ok(outcome) = timeout_at(attempt.awaited_until, outcome).await else {
                let usable = self.state().usable(self.0.clock.now());
                return usable.ok_or_else(|| Arc::new(LoginError::Late));
            };
            outcome
        } else {
            outcome.await
        };
        let now = self.0.clock.now();
        let mut state = self.state();
        let concluded = state.conclude(&attempt, outcome);
        state
            .fresh(now)
            .or_else(|| state.usable(now))
            .ok_or_else(|| {
                concluded
                    .err()
                    .unwrap_or_else(|| Arc::new(LoginError::Ended))
            })
    }

    fn attempt(&self, pause: Duration) -> BoxFuture<'static, Outcome> {
        let (login, outfit) = (self.0.login.clone(), self.0.outfit.clone());
        let clock = self.0.clock;
        // A task of its own: whoever began it may go, and who comes next may come much later.
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            let links = gather(&login, &outfit, clock).await;
            links.map(Arc::new).map_err(Arc::new)
        }));
        task.map(|ended| ended.unwrap_or_else(|_| Err(Arc::new(LoginError::Ended))))
            .boxed()
    }

    /// How often a login has ended so far.
    fn rounds(&self) -> u64 {
        self.state().rounds()
    }

    /// The number of the next request.
    fn next(&self) -> u64 {
        self.0.sent.fetch_add(1, Ordering::Relaxed)
    }

    /// The server has taken the credentials with a request.
    fn accepted(&self, link: &Link, number: u64) {
        if link.accept(number) && self.state().accepted() {
            info!("logged in to {} again", link.url);
        }
    }

    /// The server has refused the credentials with a request. Tells whether that is about the
    /// credentials: one that was sent later may have been taken.
    fn refused(&self, link: &Arc<Link>, number: u64) -> bool {
        if link.has_accepted_after(number) {
            return false;
        }
        if self.state().drop_link(link) {
            warn!(
                "{} refuses the credentials (401), logging in anew",
                link.url
            );
        }
        true
    }
}

/// Calls the login, and makes connections of what it gives, the best first.
async fn gather(
    login: &Login,
    outfit: &Outfit,
    clock: Clock,
) -> Result<Vec<Arc<Link>>, LoginError> {
    let mut links = Vec::new();
    let mut expired = None;
    for credentials in login().await? {
        let link = Link::new(credentials, outfit, clock).await?;
        match link.valid_until.filter(|at| *at <= clock.now()) {
            Some(at) => {
                let url = link.url;
                expired = Some(LoginError::Expired { url, at });
            }
            None => links.push(Arc::new(link)),
        }
    }
    if links.is_empty() {
        return Err(expired.unwrap_or(LoginError::Nothing));
    }
    links.sort_by_key(|link| std::cmp::Reverse(link.priority));
    Ok(links)
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}
