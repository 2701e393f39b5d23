//! One set of credentials with the connections that are made by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use blake2::{Blake2s256, Digest as _};
use http::Request;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Config;
use serde_json::Value;
use tracing::warn;

use crate::api::credentials::Access;
use crate::api::error::with_reasons;
use crate::api::fence::{Asked, Reserved};
use crate::api::transport::{BoxError, Outfit, Transport};
use crate::api::{Credentials, LoginError, plugin};
use crate::clock::Clock;

/// Credentials are renewed this long before they expire.
const LONGEST_LEAD: SignedDuration = SignedDuration::from_secs(60);

/// What tells credentials from others, without keeping their secrets.
#[derive(Clone, Debug)]
pub(super) enum Fingerprint {
    Config([u8; 32]),
    Client(Arc<()>),
}

/// See the module.
pub(super) struct Link {
    pub(super) url: String,
    pub(super) namespace: String,
    pub(super) fingerprint: Fingerprint,
    pub(super) priority: i32,
    pub(super) valid_until: Option<Timestamp>,
    /// When to look for others.
    pub(super) renew_at: Option<Timestamp>,
    transport: Transport,
    /// For those who must not wait for others.
    reserve: Option<Transport>,
    /// For those whom the API server asks.
    asked: Option<Transport>,
    is_proven: AtomicBool,
    /// How many requests got no answer before the first that did.
    unanswered: AtomicU32,
    /// The latest request that they were accepted with.
    accepted: AtomicU64,
}

impl Link {
    pub(super) async fn new(
        credentials: Credentials,
        outfit: &Outfit,
        clock: Clock,
    ) -> Result<Self, LoginError> {
        let url = credentials.url();
        let mut valid_until = credentials.valid_until;
        let aside = [outfit.reserve(), outfit.for_asked()];
        let (namespace, fingerprint, transport, [reserve, asked]) = match credentials.access {
            Access::Client(client, mark) => (
                client.default_namespace().to_owned(),
                Fingerprint::Client(mark),
                Transport::of_client(client.clone(), outfit),
                aside.map(|aside| Some(Transport::of_client(client.clone(), &aside?))),
            ),
            Access::Config(mut config) => {
                let expiry = plugin::resolve(&mut config).await?;
                valid_until = [valid_until, expiry].into_iter().flatten().min();
                let of = |aside: &Outfit| Transport::new((*config).clone(), aside);
                let [reserve, asked] = aside.each_ref().map(|aside| aside.as_ref().map(of));
                let aside = [reserve.transpose()?, asked.transpose()?];
                (
                    config.default_namespace.clone(),
                    Fingerprint::Config(digest(&config)),
                    Transport::new(*config, outfit)?,
                    aside,
                )
            }
        };
        let now = clock.now();
        Ok(Self {
            url,
            namespace,
            fingerprint,
            priority: credentials.priority,
            valid_until,
            renew_at: valid_until.map(|at| renewal(now, at)),
            transport,
            reserve,
            asked,
            is_proven: AtomicBool::new(false),
            unanswered: AtomicU32::new(0),
            accepted: AtomicU64::new(0),
        })
    }

    /// The connections for a request.
    pub(super) fn way_of<B>(&self, request: &Request<B>) -> &Transport {
        let is_reserved = request.extensions().get::<Reserved>().is_some();
        let is_asked = request.extensions().get::<Asked>().is_some();
        let reserve = self.reserve.as_ref().filter(|_| is_reserved);
        let asked = self.asked.as_ref().filter(|_| is_asked);
        reserve.or(asked).unwrap_or(&self.transport)
    }

    /// Notes that the server has taken them; tells whether it is for the first time.
    pub(super) fn accept(&self, number: u64) -> bool {
        self.accepted.fetch_max(number, Ordering::Relaxed);
        !self.is_proven.load(Ordering::Relaxed) && !self.is_proven.swap(true, Ordering::Relaxed)
    }

    /// A request has got no answer. Somebody who waits for an operator to start wants to know why it
    /// does not; what works at the next attempt is not worth it, and later there are others who tell.
    pub(super) fn unanswered(&self, error: &BoxError) {
        if !self.is_proven.load(Ordering::Relaxed)
            && self.unanswered.fetch_add(1, Ordering::Relaxed) == 1
        {
            let reasons = with_reasons(&**error);
            warn!("{} is not reached, and is tried again: {reasons}", self.url);
        }
    }

    pub(super) fn has_accepted_after(&self, number: u64) -> bool {
        self.accepted.load(Ordering::Relaxed) > number
    }
}

/// Shortly before the end; what is short-lived has less time left for it.
fn renewal(now: Timestamp, end: Timestamp) -> Timestamp {
    let lead = (end.duration_since(now) / 10).min(LONGEST_LEAD);
    end.saturating_sub(lead).unwrap_or(now)
}

/// A digest of whatever decides who we are. What a file holds counts, not its name: it is rewritten.
fn digest(config: &Config) -> [u8; 32] {
    let auth = serde_json::to_value(&config.auth_info).unwrap_or_default();
    let mut digest = Blake2s256::new();
    digest.update(config.cluster_url.to_string());
    for name in [
        "username",
        "password",
        "token",
        "client-certificate-data",
        "client-key-data",
        "as",
        "as-uid",
    ] {
        digest.update(name);
        digest.update(auth[name].as_str().unwrap_or_default());
    }
    for name in ["tokenFile", "client-certificate", "client-key"] {
        let held = auth[name].as_str().map(std::fs::read);
        digest.update(name);
        digest.update(held.and_then(Result::ok).unwrap_or_default());
    }
    for (name, value) in &config.headers {
        digest.update(name.as_str());
        digest.update(value);
    }
    let provider = auth["auth-provider"]["config"].as_object();
    let mut provider: Vec<(&String, &Value)> = provider.into_iter().flatten().collect();
    provider.sort_by_key(|(name, _)| *name);
    for (name, value) in provider {
        digest.update(name);
        digest.update(value.to_string());
    }
    digest.finalize().into()
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Config(one), Self::Config(other)) => one == other,
            (Self::Client(one), Self::Client(other)) => Arc::ptr_eq(one, other),
            (Self::Config(_), Self::Client(_)) | (Self::Client(_), Self::Config(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(auth: Value) -> Config {
        let mut config = Config::new("https://10.0.0.1".parse().unwrap());
        config.auth_info = serde_json::from_value(auth).unwrap();
        config
    }

    #[test]
    fn credentials_are_told_apart_by_their_secrets() {
        let of = |auth: Value| digest(&config(auth));
        assert_eq!(of(json!({"token": "a"})), of(json!({"token": "a"})));
        assert_ne!(of(json!({"token": "a"})), of(json!({"token": "b"})));
        assert_ne!(
            of(json!({"username": "a"})),
            of(json!({"username": "a", "password": "b"}))
        );
    }

    #[test]
    fn credentials_in_headers_are_told_apart_too() {
        let of = |token: &'static str| {
            let mut config = config(json!({}));
            let value = http::HeaderValue::from_static(token);
            config.headers.push((http::header::AUTHORIZATION, value));
            digest(&config)
        };
        assert_eq!(of("Bearer a"), of("Bearer a"));
        assert_ne!(of("Bearer a"), of("Bearer b"));
    }

    #[test]
    fn a_rewritten_token_file_makes_other_credentials() {
        let path = std::env::temp_dir().join(format!("kopfrs-token-{}", std::process::id()));
        std::fs::write(&path, "one").unwrap();
        let config = config(json!({"tokenFile": path}));
        let before = digest(&config);
        assert_eq!(digest(&config), before);
        std::fs::write(&path, "two").unwrap();
        assert_ne!(digest(&config), before);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn renewal_comes_shortly_before_the_end() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let after = |seconds: i64| now + SignedDuration::from_secs(seconds);
        for (lifetime, renewed) in [(3600, 3540), (600, 540), (30, 27), (0, 0)] {
            assert_eq!(renewal(now, after(lifetime)), after(renewed), "{lifetime}");
        }
    }
}
