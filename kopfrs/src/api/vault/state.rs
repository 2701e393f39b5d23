//! What the vault holds, and when it may ask for more. Decides; never waits.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, error};

use super::link::{Fingerprint, Link};
use crate::api::LoginError;

/// The pause after the first login that has led nowhere; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between two logins.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a renewal is waited for by requests that could go with what there is.
const RENEWAL: Duration = Duration::from_secs(5);

/// How many refused credentials are remembered.
const REFUSED_LIMIT: usize = 16;

/// What a login gives.
pub(super) type Outcome = Result<Arc<Vec<Arc<Link>>>, Arc<LoginError>>;

/// A login that is going on, whoever waits for it and whoever ceases to.
#[derive(Clone)]
pub(super) struct Attempt {
    number: u64,
    pub(super) outcome: Shared<BoxFuture<'static, Outcome>>,
    /// Until when it is waited for by those who have credentials that are still good.
    pub(super) awaited_until: Instant,
}

/// See the module.
pub(super) struct State {
    /// The credentials that are not known to be bad, the best first.
    links: Vec<Arc<Link>>,
    namespace: String,
    attempt: Option<Attempt>,
    rounds: u64,
    /// The logins since the server has last taken any credentials.
    unproven: u32,
    refused: Vec<Fingerprint>,
    /// Whether people know that the login does not work.
    is_said: bool,
}

impl State {
    pub(super) fn new(links: Vec<Arc<Link>>) -> Self {
        let namespace = links.first().map(|link| link.namespace.clone());
        Self {
            links,
            namespace: namespace.unwrap_or_default(),
            attempt: None,
            rounds: 0,
            unproven: 0,
            refused: Vec::new(),
            is_said: false,
        }
    }

    /// The default namespace of the first credentials.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where the best credentials lead.
    pub(super) fn address(&self) -> Option<http::Uri> {
        self.links.first()?.url.parse().ok()
    }

    pub(super) fn rounds(&self) -> u64 {
        self.rounds
    }

    /// The best credentials that need no renewal.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<Arc<Link>> {
        let mut links = self.links.iter();
        links
            .find(|link| link.renew_at.is_none_or(|at| now < at))
            .cloned()
    }

    /// The best credentials that have not expired.
    pub(super) fn usable(&self, now: Timestamp) -> Option<Arc<Link>> {
        let mut links = self.links.iter();
        links
            .find(|link| link.valid_until.is_none_or(|at| now < at))
            .cloned()
    }

    fn pause(&self) -> Duration {
        match self.unproven {
            0 => Duration::ZERO,
            n => FIRST_PAUSE
                .saturating_mul(1 << (n - 1).min(16))
                .min(LONGEST_PAUSE),
        }
    }

    /// The login that is going on; begins one if there is none.
    pub(super) fn attempt(
        &mut self,
        begin: impl FnOnce(Duration) -> BoxFuture<'static, Outcome>,
    ) -> Attempt {
        let pause = self.pause();
        // One that has failed is tried again, but nobody waits for it in vain.
        let patience = if pause.is_zero() {
            RENEWAL
        } else {
            Duration::ZERO
        };
        let number = self.rounds;
        self.attempt
            .get_or_insert_with(|| Attempt {
                number,
                outcome: begin(pause).shared(),
                awaited_until: Instant::now() + patience,
            })
            .clone()
    }

    /// Takes in what a login has given; the first of those who waited for it does so for all.
    pub(super) fn conclude(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Result<(), Arc<LoginError>> {
        if self.attempt.as_ref().map(|own| own.number) != Some(attempt.number) {
            return outcome.map(drop);
        }
        self.attempt = None;
        self.rounds += 1;
        // The first login answers at once, so what was refused just now is as bad as before. After a
        // pause the server may have changed its mind: tokens do come back to life.
        let is_first = self.unproven == 0;
        self.unproven = self.unproven.saturating_add(1);
        let links = outcome.and_then(|links| match links.first() {
            Some(first) if is_first && links.iter().all(|link| self.is_refused(link)) => {
                let url = first.url.clone();
                Err(Arc::new(LoginError::Refused { url }))
            }
            _ => Ok(links),
        });
        match links {
            Ok(links) => {
                let good = links
                    .iter()
                    .filter(|link| !is_first || !self.is_refused(link));
                self.links = good.cloned().collect();
                Ok(())
            }
            Err(error) => {
                self.say(&error.to_string());
                Err(error)
            }
        }
    }

    fn is_refused(&self, link: &Link) -> bool {
        self.refused.contains(&link.fingerprint)
    }

    /// Says it once: the operator keeps trying, and its log is not for repetitions.
    fn say(&mut self, what: &str) {
        let pause = self.pause();
        if std::mem::replace(&mut self.is_said, true) {
            debug!("{what}; the next login is in {pause:?}");
        } else {
            error!("{what}; the operator goes on asking for credentials, next in {pause:?}");
        }
    }

    /// The server has taken credentials of the last login; tells whether people should know.
    pub(super) fn accepted(&mut self) -> bool {
        self.unproven = 0;
        std::mem::take(&mut self.is_said)
    }

    /// Forgets credentials; tells whether they were there.
    pub(super) fn drop_link(&mut self, link: &Arc<Link>) -> bool {
        let Some(at) = self.links.iter().position(|own| Arc::ptr_eq(own, link)) else {
            return false;
        };
        self.links.remove(at);
        if !self.is_refused(link) {
            if self.refused.len() == REFUSED_LIMIT {
                self.refused.remove(0);
            }
            self.refused.push(link.fingerprint.clone());
        }
        if self.unproven > 0 && self.links.is_empty() {
            let url = &link.url;
            self.say(&format!(
                "{url} refuses the credentials (401) of the last login, too"
            ));
            return false;
        }
        true
    }
}
