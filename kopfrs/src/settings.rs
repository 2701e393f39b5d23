//! What can be set, with units and defaults. Set it in a startup handler or when building an
//! operator; it is frozen once the operator watches.
//!
//! The command line also takes each setting from a variable of the environment, see
//! [`Settings::overridden_by`]. Startup handlers have the last word.

mod admission;
mod background;
mod environment;
mod execution;
mod health;
mod indexing;
mod leadership;
mod peering;
mod posting;
mod queueing;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

pub use self::admission::{
    AdmissionSettings, SecretReference, ServiceReference, VerifyMode, WebhookServer,
};
pub use self::background::BackgroundSettings;
pub use self::environment::SettingsError;
#[cfg(feature = "cli")]
pub(crate) use self::environment::{VARIABLES, unknown};
pub use self::execution::{ExecutionSettings, Lifecycle, LifecycleError};
pub use self::health::HealthSettings;
pub use self::indexing::IndexingSettings;
pub use self::leadership::LeaderElectionSettings;
pub use self::peering::PeeringSettings;
pub use self::posting::{PostingLevel, PostingSettings};
pub use self::queueing::QueueingSettings;
use crate::resource::{Resource, Selector};
use crate::storage::Persistence;

/// All settings of one operator.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// How the operator remembers what it has handled.
    pub persistence: PersistenceSettings,
    /// How handlers are run.
    pub execution: ExecutionSettings,
    /// How the indices are filled at the start.
    pub indexing: IndexingSettings,
    /// How objects are taken up.
    pub queueing: QueueingSettings,
    /// How resources are watched.
    pub watching: WatchingSettings,
    /// How the operator learns of kinds and namespaces.
    pub scanning: ScanningSettings,
    /// How the API is talked to.
    pub networking: NetworkingSettings,
    /// What is told in Kubernetes Events.
    pub posting: PostingSettings,
    /// How the API server asks about requests.
    pub admission: AdmissionSettings,
    /// How daemons and timers are ended.
    pub background: BackgroundSettings,
    /// How one of several replicas is chosen to work.
    pub leader_election: LeaderElectionSettings,
    /// How operators get out of one another's way.
    pub peering: PeeringSettings,
    /// When the operator takes itself for ill.
    pub health: HealthSettings,
    /// How the operator ends.
    pub process: ProcessSettings,
}

/// How the operator remembers what it has handled.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PersistenceSettings {
    /// For all kinds that have nothing of their own.
    pub default: Persistence,
    /// For some kinds; the first match counts.
    pub kinds: Vec<(Selector, Persistence)>,
}

/// How resources are watched.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WatchingSettings {
    /// How the objects that are there at first are asked for. In pages.
    pub initial_listing: InitialListing,
    /// The most objects per page of a listing; less are asked for where they are large. 500.
    pub page_size: u32,
    /// A watch that is silent for longer, bookmarks included, is opened anew where it was. 70 s.
    pub inactivity_timeout: Duration,
    /// How long the server may keep one watch open before it is renewed. 290 s.
    pub server_timeout: Duration,
    /// The pause after the first failure of a watch; it doubles with each further one. 1 s.
    pub backoff: Duration,
    /// The longest pause. 30 s.
    pub max_backoff: Duration,
}

/// How the objects are asked for that are there when a watch begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitialListing {
    /// In pages, no faster than they are worked off, while changes are watched already: objects that change
    /// meanwhile need not wait, and little is held in memory however many there are.
    #[default]
    Paged,
    /// By the watch itself (`sendInitialEvents`), which spares the server the lists; changes come after the last
    /// object. In pages where the server does not offer that.
    Streamed,
}

/// How the operator learns of kinds and namespaces that come and go.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScanningSettings {
    /// Whether kinds and namespaces are only looked for at the start, not watched. No.
    pub disabled: bool,
    /// How often to look when they may not be watched. 60 s.
    pub poll_interval: Duration,
}

/// How the API is talked to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NetworkingSettings {
    /// How many requests may be on their way at once, watches not counted. 32.
    pub requests_in_flight: usize,
    /// How long one request may take, watches not counted. 30 s.
    pub request_timeout: Duration,
    /// How long opening a connection may take, TLS included. 10 s.
    pub connect_timeout: Duration,
    /// Whether HTTP/2 is spoken where the server can: one connection for 32 watches, and one for all
    /// requests beyond the first four at once. Else it is HTTP/1.1, with a connection each. Yes.
    pub http2: bool,
    /// The pauses between the attempts of a request that fails for the network's or the server's
    /// sake; after the last one the failure counts. 1, 1, 2, 3, 5, 8 s.
    pub error_backoffs: Vec<Duration>,
}

/// How the operator ends.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProcessSettings {
    /// How long running handlers may take to finish when the operator stops; then they are
    /// cancelled. 20 s.
    pub drain_budget: Duration,
    /// How long the cleanup handlers may take together, retries included; then the operator ends with
    /// an error. It ends at once when it is told to stop again meanwhile. 60 s.
    pub cleanup_budget: Duration,
    /// An operator that is the whole program (`kopfrs::main!`) and has not ended this long after it was told to stop ends
    /// at once, with an error: somebody blocks the runtime itself. `None`: never. 10 min.
    pub ultimate_exiting_timeout: Option<Duration>,
}

impl Default for WatchingSettings {
    fn default() -> Self {
        Self {
            initial_listing: InitialListing::Paged,
            page_size: 500,
            inactivity_timeout: Duration::from_secs(70),
            server_timeout: Duration::from_secs(290),
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(30),
        }
    }
}

impl Default for ScanningSettings {
    fn default() -> Self {
        Self {
            disabled: false,
            poll_interval: Duration::from_secs(60),
        }
    }
}

impl Default for NetworkingSettings {
    fn default() -> Self {
        Self {
            requests_in_flight: 32,
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            http2: true,
            error_backoffs: [1, 1, 2, 3, 5, 8].map(Duration::from_secs).to_vec(),
        }
    }
}

impl Default for ProcessSettings {
    fn default() -> Self {
        Self {
            drain_budget: Duration::from_secs(20),
            cleanup_budget: Duration::from_secs(60),
            ultimate_exiting_timeout: Some(Duration::from_secs(600)),
        }
    }
}

impl Settings {
    /// What is wrong with settings that must go together, if anything is.
    pub(crate) fn mistake(&self) -> Option<String> {
        let election = self.leader_election.enabled;
        let election = election.then(|| self.leader_election.mistake()).flatten();
        let is_alone = self.peering.standalone;
        election.or_else(|| (!is_alone).then(|| self.peering.mistake()).flatten())
    }
}

impl PersistenceSettings {
    /// What counts for a kind.
    pub fn of(&self, resource: &Resource) -> &Persistence {
        let own = self
            .kinds
            .iter()
            .find(|(selector, _)| selector.matches(resource));
        own.map_or(&self.default, |(_, persistence)| persistence)
    }
}

/// The settings as a startup handler changes them.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use kopfrs::settings::SettingsHandle;
///
/// async fn startup(settings: SettingsHandle) {
///     settings.update(|s| s.execution.default_backoff = Duration::from_secs(10));
/// }
/// ```
#[derive(Clone, Default)]
pub struct SettingsHandle(Arc<RwLock<Shared>>);

#[derive(Default)]
struct Shared {
    settings: Arc<Settings>,
    is_frozen: bool,
}

impl SettingsHandle {
    /// Starts from these settings.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(RwLock::new(Shared {
            settings: Arc::new(settings),
            is_frozen: false,
        })))
    }

    /// The present settings.
    pub fn get(&self) -> Arc<Settings> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .settings
            .clone()
    }

    /// Changes the settings.
    ///
    /// # Panics
    /// If the operator has started already: settings are for startup handlers.
    pub fn update(&self, change: impl FnOnce(&mut Settings)) {
        let mut shared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        assert!(
            !shared.is_frozen,
            "settings are frozen after the startup handlers"
        );
        change(Arc::make_mut(&mut shared.settings));
    }

    /// No more changes from now on.
    pub(crate) fn freeze(&self) -> Arc<Settings> {
        let mut shared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        shared.is_frozen = true;
        shared.settings.clone()
    }
}

impl fmt::Debug for SettingsHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_may_have_a_persistence_of_their_own() {
        let own = Persistence::new("own.example.com");
        let kinds = vec![(Selector::plural("pods").unwrap(), own.clone())];
        let settings = PersistenceSettings {
            kinds,
            ..PersistenceSettings::default()
        };
        let resource = |plural: &str| Resource {
            plural: plural.into(),
            preferred: true,
            ..Resource::default()
        };
        assert_eq!(*settings.of(&resource("pods")), own);
        assert_eq!(*settings.of(&resource("jobs")), Persistence::default());
    }

    #[test]
    #[should_panic(expected = "settings are frozen")]
    fn settings_do_not_change_after_the_start() {
        let handle = SettingsHandle::default();
        handle.update(|s| s.watching.page_size = 10);
        assert_eq!(handle.freeze().watching.page_size, 10);
        handle.update(|_| {});
    }
}
