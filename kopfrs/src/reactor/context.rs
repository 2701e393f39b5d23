//! What all parts of the spine share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Span;

use super::indexing::Barrier;
use super::kind::Handlers;
use super::lanes::Lanes;
use super::namespaces::Patterns;
use super::related::Related;
use crate::api::Connection;
use crate::engine::posting::Posting;
use crate::handler::Environment;
use crate::settings::Settings;

/// What all parts of the spine share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) connection: Connection,
    pub(crate) environment: Arc<Environment>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) handlers: Handlers,
    pub(crate) scope: Scope,
    pub(crate) stop: Stop,
    /// Tells of objects in Kubernetes Events.
    pub(crate) posting: Posting,
    /// The tasks of objects.
    pub(crate) workers: TaskTracker,
    /// The objects that wait for their turn.
    pub(crate) lanes: Lanes,
    /// What is to be indexed before any handler is called.
    pub(super) barrier: Barrier,
    /// Whom to wake for what happens to objects of other kinds.
    pub(crate) related: Related,
    /// Where the operator runs, for the log: its tasks are in there.
    pub(crate) span: Span,
    /// All kinds that have been served, for whoever looks on.
    #[cfg(feature = "testing")]
    pub(super) queues: Mutex<Vec<std::sync::Weak<super::queue::Queue>>>,
    said: Mutex<HashSet<String>>,
}

/// Where objects are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everywhere.
    Cluster,
    /// In these namespaces, and for cluster-scoped kinds everywhere.
    Namespaces(Patterns),
}

/// The steps of stopping.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Begin nothing new.
    pub(crate) drain: CancellationToken,
    /// Cancel what still runs.
    pub(crate) cancel: CancellationToken,
    /// Drop everything: the operator is no more.
    pub(crate) abandon: CancellationToken,
}

impl Context {
    pub(crate) fn new(
        connection: Connection,
        environment: Arc<Environment>,
        handlers: Handlers,
        (scope, stop): (Scope, Stop),
    ) -> Self {
        let settings = environment.settings.get();
        let mut lanes = Lanes::new(settings.networking.requests_in_flight);
        if !handlers.indexing.is_empty() {
            lanes = lanes.closed();
        }
        let (way, clock) = (connection.clone(), environment.clock);
        Self {
            posting: Posting::new(way, settings.posting.clone(), clock),
            connection,
            environment,
            settings,
            handlers,
            scope,
            stop,
            workers: TaskTracker::new(),
            lanes,
            barrier: Barrier::default(),
            related: Related::default(),
            span: Span::current(),
            #[cfg(feature = "testing")]
            queues: Mutex::default(),
            said: Mutex::default(),
        }
    }

    /// A kind is being served.
    #[cfg(feature = "testing")]
    pub(super) fn announce(&self, queue: &Arc<super::queue::Queue>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(queue));
    }

    /// The kinds that are being served.
    #[cfg(feature = "testing")]
    pub(super) fn queues(&self) -> Vec<Arc<super::queue::Queue>> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.iter().filter_map(std::sync::Weak::upgrade).collect()
    }

    /// Whether this is said for the first time.
    pub(crate) fn is_news(&self, what: String) -> bool {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(what)
    }
}
