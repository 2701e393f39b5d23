//! Bearer tokens that come and go while the server runs.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::User;
use crate::clock::Clock;

/// The bearer tokens that a server accepts; cheap to clone.
///
/// A token names a user and groups. Requests with a token that is unknown, revoked or expired get the 401 that a real
/// server gives. They can be given out and revoked at any time, so a test can see what an operator does when its
/// credentials end.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use k8s_openapi::api::core::v1::Namespace;
/// use kopfrs_sandbox::{OpenWatches, Sandbox};
/// use kube::Api;
///
/// let sandbox = Sandbox::new();
/// let token = sandbox.tokens().issue("alice", ["developers"]);
/// let namespaces: Api<Namespace> = Api::all(sandbox.client_with_token(&token));
/// namespaces.get("default").await?;
///
/// sandbox.tokens().revoke(&token, OpenWatches::Keep);
/// let refused = namespaces.get("default").await;
/// assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 401));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Tokens {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
    /// For whoever keeps the state.
    changed: Arc<Notify>,
}

/// What becomes of watches that are open when their token is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenWatches {
    /// They go on, as on a real server: it looks at a token once, when a request begins.
    Keep,
    /// They end, as behind a proxy that looks more often.
    End,
}

#[derive(Debug, Clone)]
struct Entry {
    user: User,
    expires: Option<Instant>,
    ended: CancellationToken,
}

/// A token that outlives its server.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SavedToken {
    token: String,
    user: User,
    /// In seconds since the Unix epoch.
    expires: Option<u64>,
}

/// A token that has been accepted.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user: User,
    /// Cancelled when open watches of this token shall end.
    pub(crate) ended: CancellationToken,
}

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a token for a user in some groups. Everybody with a token is in `system:authenticated` besides; who is in
    /// `system:masters` may do everything.
    pub fn issue<G: Into<String>>(
        &self,
        user: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> String {
        self.add(User::authenticated(user, groups), None)
    }

    /// Makes a token that is good for some time only, by tokio's clock.
    pub fn issue_for<G: Into<String>>(
        &self,
        lifetime: Duration,
        user: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> String {
        let user = User::authenticated(user, groups);
        self.add(user, Some(Instant::now() + lifetime))
    }

    pub(crate) fn add(&self, user: User, expires: Option<Instant>) -> String {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let token = random() + &random();
        self.put(token.clone(), user, expires);
        token
    }

    /// Accepts a token that was made elsewhere.
    pub(crate) fn put(&self, token: String, user: User, expires: Option<Instant>) {
        let entry = Entry {
            user,
            expires,
            ended: CancellationToken::new(),
        };
        self.lock().insert(token, entry);
        self.changed.notify_one();
    }

    /// Revokes a token: requests with it get a 401 from now on. Tells whether there was such a token.
    pub fn revoke(&self, token: &str, watches: OpenWatches) -> bool {
        let Some(entry) = self.lock().remove(token) else {
            return false;
        };
        if watches == OpenWatches::End {
            entry.ended.cancel();
        }
        self.changed.notify_one();
        true
    }

    /// The tokens that are good now, to be kept.
    pub(crate) fn saved(&self, clock: &Clock) -> Vec<SavedToken> {
        let now = Instant::now();
        let saved = |(token, entry): (&String, &Entry)| {
            let left = match entry.expires {
                Some(end) => Some(
                    end.checked_duration_since(now)
                        .filter(|left| !left.is_zero())?,
                ),
                None => None,
            };
            Some(SavedToken {
                token: token.clone(),
                user: entry.user.clone(),
                expires: left.map(|left| (clock.since_epoch() + left).as_secs()),
            })
        };
        self.lock().iter().filter_map(saved).collect()
    }

    /// The tokens that were kept, less those that have expired meanwhile.
    pub(crate) fn restored(saved: Vec<SavedToken>, clock: &Clock) -> Self {
        let tokens = Self::default();
        for SavedToken {
            token,
            user,
            expires,
        } in saved
        {
            let left =
                expires.map(|end| Duration::from_secs(end).saturating_sub(clock.since_epoch()));
            if left.is_some_and(|left| left.is_zero()) {
                continue;
            }
            let entry = Entry {
                user,
                expires: left.map(|left| Instant::now() + left),
                ended: CancellationToken::new(),
            };
            tokens.lock().insert(token, entry);
        }
        tokens
    }

    /// Told when a token comes or goes; one permit is kept for who was not waiting.
    pub(crate) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// The user of a token that is good now.
    pub(crate) fn session(&self, token: &str) -> Option<Session> {
        let entries = self.lock();
        let entry = entries.get(token)?;
        if entry.expires.is_some_and(|end| end <= Instant::now()) {
            return None;
        }
        Some(Session {
            user: entry.user.clone(),
            ended: entry.ended.clone(),
        })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the tokens.
        f.debug_struct("Tokens")
            .field("count", &self.lock().len())
            .finish_non_exhaustive()
    }
}
