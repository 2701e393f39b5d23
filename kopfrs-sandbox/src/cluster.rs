//! The state of one sandbox, shared by everything that serves it.

use std::time::Duration;

use crate::{
    auth::{Issuer, Tokens},
    clock::Clock,
    registry::Registry,
    storage::Store,
    webhook::{Connections, Routes},
};

/// What the builder can set.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) bookmark_interval: Duration,
    pub(crate) history_window: usize,
    pub(crate) journal_capacity: usize,
    pub(crate) rbac: bool,
    pub(crate) workloads: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bookmark_interval: Duration::from_secs(60),
            history_window: 16_384,
            journal_capacity: 65_536,
            rbac: false,
            workloads: true,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    /// Signs the tokens of service accounts.
    pub(crate) issuer: Issuer,
    /// Connections to webhooks.
    pub(crate) webhooks: Connections,
    /// Addresses of services.
    pub(crate) routes: Routes,
    pub(crate) settings: Settings,
}

impl Cluster {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            store: Store::new(settings.history_window),
            registry: Registry::new(),
            clock: Clock::new(),
            tokens: Tokens::default(),
            issuer: Issuer::default(),
            webhooks: Connections::default(),
            routes: Routes::default(),
            settings,
        }
    }
}
