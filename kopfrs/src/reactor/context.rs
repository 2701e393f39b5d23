//! What all parts of the spine share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tracing::Span;

use super::indexing::Barrier;
use super::kind::Handlers;
use super::lanes::Lanes;
use super::namespaces::Patterns;
use super::related::Related;
use super::terms::Term;
use crate::api::Connection;
use crate::duty::Duty;
use crate::engine::daemons::Daemons;
use crate::engine::peering::Peerings;
use crate::engine::posting::Posting;
use crate::handler::Environment;
use crate::health::Health;
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
    /// Whether the operator works or is paused.
    pub(crate) duty: Duty,
    /// Where operators get out of one another's way.
    pub(super) peerings: Peerings,
    /// How everything is.
    pub(super) health: Health,
    /// The present stretch of work, or the last one.
    term: RwLock<Arc<Term>>,
    /// Tells of new terms.
    pub(super) terms: watch::Sender<u64>,
    /// Tells of objects in Kubernetes Events.
    pub(crate) posting: Posting,
    /// What goes along with objects.
    pub(crate) daemons: Daemons,
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
    /// What has been found out about the cluster, for aspects that follow it.
    #[cfg(feature = "admission")]
    pub(crate) insights: tokio::sync::watch::Sender<Option<crate::engine::insights::Insights>>,
    /// All kinds that have been served.
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
        let lanes = Lanes::new(settings.networking.requests_in_flight);
        if !handlers.indexing.is_empty() {
            lanes.close();
        }
        let (way, clock) = (connection.clone(), environment.clock);
        let duty = Duty::clone(&environment.aspects.get_or_default::<Duty>());
        let term = if duty.is_paused() {
            Term::ended(&stop)
        } else {
            Term::begin(0, &stop)
        };
        Self {
            daemons: Daemons::new(environment.clone(), stop.abandon.clone()),
            posting: Posting::new(way, settings.posting.clone(), clock),
            connection,
            peerings: Peerings::clone(&environment.aspects.get_or_default()),
            health: Health::clone(&environment.aspects.get_or_default()),
            environment,
            settings,
            handlers,
            scope,
            stop,
            duty,
            term: RwLock::new(Arc::new(term)),
            terms: watch::Sender::new(0),
            workers: TaskTracker::new(),
            lanes,
            barrier: Barrier::default(),
            related: Related::default(),
            span: Span::current(),
            #[cfg(feature = "admission")]
            insights: tokio::sync::watch::Sender::new(None),
            queues: Mutex::default(),
            said: Mutex::default(),
        }
    }

    /// The present stretch of work, or the last one while the operator is paused.
    pub(crate) fn term(&self) -> Arc<Term> {
        self.term
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends when nothing new is to be begun: the operator stops, or is paused.
    pub(crate) fn drained(&self) -> WaitForCancellationFutureOwned {
        self.term().drain.clone().cancelled_owned()
    }

    /// Ends when what runs is to be cancelled.
    pub(crate) fn cancelled(&self) -> WaitForCancellationFutureOwned {
        self.term().cancel.clone().cancelled_owned()
    }

    /// The operator works again.
    pub(super) fn begin_term(&self) {
        let number = self.term().number + 1;
        let term = Arc::new(Term::begin(number, &self.stop));
        *self.term.write().unwrap_or_else(PoisonError::into_inner) = term;
        if !self.handlers.indexing.is_empty() {
            // Opened when everything has been listed anew.
            self.lanes.close();
        }
        self.terms.send_replace(number);
    }

    /// A kind is being served.
    pub(super) fn announce(&self, queue: &Arc<super::queue::Queue>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(queue));
    }

    /// Whether somebody may ask for what is kept in memory for an object while its handlers are at work.
    pub(super) fn may_be_asked(&self) -> bool {
        #[cfg(feature = "admission")]
        return self.insights.receiver_count() > 0;
        #[cfg(not(feature = "admission"))]
        false
    }

    /// What is kept in memory for an object by its uid, if it is known.
    #[cfg(feature = "admission")]
    pub(crate) fn memos(
        &self,
        resource: &crate::resource::Resource,
        uid: &str,
    ) -> Option<crate::handler::Memos> {
        // The same object may be served in several versions.
        let queues = self.queues().into_iter().filter(|queue| {
            let served = &queue.kind().resource;
            (&served.group, &served.plural) == (&resource.group, &resource.plural)
        });
        let mut queues: Vec<_> = queues.collect();
        queues.sort_by_key(|queue| queue.kind().resource.version != resource.version);
        queues.iter().find_map(|queue| queue.memos(uid))
    }

    /// The kinds that are being served.
    pub(super) fn queues(&self) -> Vec<Arc<super::queue::Queue>> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.iter().filter_map(std::sync::Weak::upgrade).collect()
    }

    /// What the objects of all kinds that are being served are about.
    #[cfg(feature = "admin")]
    pub(crate) fn queue_states(&self) -> Vec<super::queue::QueueState> {
        let queues = self.queues();
        let mut states: Vec<_> = queues.iter().map(|queue| queue.state()).collect();
        states.sort_by(|a, b| a.name.cmp(&b.name));
        states
    }

    /// Whether this is said for the first time.
    pub(crate) fn is_news(&self, what: String) -> bool {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(what)
    }
}
