//! All objects of one kind that are known: what has come for each, and whether it waits, works or
//! rests. One worker an object, made when its turn comes, gone when there is nothing to do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, info_span};

use self::crowd::Crowd;
use super::context::Context;
use super::inbox::{Inbox, is_older};
use super::indexing::Pending;
use super::kind::Kind;
use super::lanes::{Due, Lane, Place, Ticket};
use super::memory::Memory;
use super::related::Bonds;
use super::snapshot::Version;
use super::worker::{self, Shift, is_known};
use crate::cause::{DaemonStoppingReason, EventType};
use crate::metrics::KindMetrics;
use crate::object::ObjectKey;

mod closing;
#[cfg(feature = "admin")]
mod counting;
mod crowd;
mod holding;
mod resting;
#[cfg(feature = "testing")]
mod showing;
mod waking;

#[cfg(feature = "admin")]
pub(crate) use self::counting::QueueState;

/// An event, with the object still as text.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) event_type: EventType,
    pub(crate) uid: Arc<str>,
    pub(crate) key: ObjectKey,
    pub(crate) version: Option<Version>,
    pub(crate) text: Box<str>,
}

/// The listing that an event is a part of, or during or after which it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    pub(crate) number: u64,
    /// More of it is to come.
    pub(crate) is_open: bool,
}

/// All objects of one kind that are known.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) context: Arc<Context>,
    kind: RwLock<Arc<Kind>>,
    /// Ends the workers: the operator is no more, or the kind is not served any more.
    abandon: CancellationToken,
    /// Why the kind is not served any more.
    ended_for: OnceLock<DaemonStoppingReason>,
    workers: TaskTracker,
    objects: Mutex<HashMap<Arc<str>, Entry>>,
    /// The uids of objects by their names, where some are woken by name.
    names: Mutex<HashMap<ObjectKey, Arc<str>>>,
    /// Whom its objects wake.
    bonds: Bonds,
    /// How many wait that a listing has found.
    backlog: AtomicUsize,
    /// The backlog has become smaller.
    worked_off: Notify,
    /// How many of its objects are handled at once.
    crowd: Crowd,
    /// No handler is called before its first listing has been indexed.
    is_awaited: AtomicBool,
    /// How many listings there were, by whatever watch.
    listings: AtomicU64,
    /// Where its handling is measured, if somebody wants to know.
    pub(super) metrics: Option<Arc<KindMetrics>>,
}

#[derive(Debug)]
struct Entry {
    key: ObjectKey,
    /// The listing that has seen the object last.
    listing: u64,
    /// The newest version that has come.
    version: Option<Version>,
    inbox: Inbox,
    standing: Standing,
    memory: Memory,
    /// Handlers wait until it has been indexed.
    pending: Option<Pending>,
}

/// What an object is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    /// There is nothing to do.
    Resting,
    /// It waits for its turn, since then.
    Ready(Lane, Instant),
    /// It waits until all indices are complete; then it lines up.
    Held(Lane),
    /// It waits for its time.
    Sleeping(Due),
    /// A worker has taken its memory, then.
    Working(Instant),
}

impl Queue {
    pub(crate) fn new(context: Arc<Context>, kind: Arc<Kind>) -> Arc<Self> {
        let queue = Arc::new(Self {
            abandon: context.stop.abandon.child_token(),
            ended_for: OnceLock::new(),
            workers: TaskTracker::new(),
            metrics: context.environment.metrics.kind(&kind.resource.to_string()),
            context,
            kind: RwLock::new(kind),
            objects: Mutex::default(),
            names: Mutex::default(),
            bonds: Bonds::default(),
            backlog: AtomicUsize::new(0),
            worked_off: Notify::new(),
            crowd: Crowd::default(),
            is_awaited: AtomicBool::new(false),
            listings: AtomicU64::new(0),
        });
        queue.context.related.enlist(&queue);
        queue.context.announce(&queue);
        queue
    }

    /// The kind, as it was discovered last.
    pub(crate) fn kind(&self) -> Arc<Kind> {
        self.kind
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The kind has been discovered anew.
    pub(crate) fn set_kind(&self, kind: Arc<Kind>) {
        *self.kind.write().unwrap_or_else(PoisonError::into_inner) = kind;
    }

    fn objects(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a listing that begins now: it is higher than that of any before.
    pub(crate) fn next_listing(&self) -> u64 {
        self.listings.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes an event in.
    pub(crate) fn push(self: &Arc<Self>, arrival: Arrival, listing: Listing) {
        let kind = self.kind();
        let related = &self.context.related;
        self.bonds.tell(related, &kind, &arrival, listing);
        if kind.handlers.is_empty() {
            return;
        }
        let Arrival {
            event_type,
            uid,
            key,
            version,
            text,
        } = arrival;
        let lane = if event_type == EventType::Listed {
            Lane::Listed
        } else {
            Lane::Live
        };
        let mut objects = self.objects();
        let event_type = match event_type {
            // An object that is listed again is neither new nor found again: something may have changed.
            EventType::Listed if objects.contains_key(&uid) => EventType::Modified,
            // It was there before the listing, which has not come to it yet.
            EventType::Modified if listing.is_open && !objects.contains_key(&uid) => {
                EventType::Listed
            }
            event_type => event_type,
        };
        if kind.is_woken_by_name() && !objects.contains_key(&uid) {
            self.names().insert(key.clone(), uid.clone());
        }
        let entry = objects.entry(uid.clone()).or_insert_with(|| Entry {
            pending: None,
            key,
            listing: 0,
            version: None,
            inbox: Inbox::default(),
            standing: Standing::Resting,
            memory: Memory::new(event_type == EventType::Listed),
        });
        let is_overtaken = entry.listing == listing.number && is_older(version, entry.version);
        entry.listing = listing.number;
        if is_overtaken && event_type != EventType::Deleted {
            return;
        }
        entry.version = version.or(entry.version);
        if event_type != EventType::Deleted && is_known(&kind, &entry.memory, version) {
            return;
        }
        entry.inbox.add(event_type, version, text);
        if lane == Lane::Listed && entry.pending.is_none() {
            entry.pending = self.awaited(&kind);
        }
        self.line_up(&uid, entry, lane);
    }

    /// The objects of a namespace that a complete listing has not shown are gone.
    pub(crate) fn sweep(self: &Arc<Self>, namespace: Option<&str>, listing: u64) {
        let (kind, related) = (self.kind(), &self.context.related);
        self.bonds.sweep(related, &kind, (namespace, listing));
        let mut objects = self.objects();
        let is_gone = |entry: &Entry| {
            entry.listing < listing && namespace.is_none_or(|n| entry.key.namespace() == Some(n))
        };
        let resource = kind.resource.clone();
        for (uid, entry) in objects.iter_mut().filter(|(_, entry)| is_gone(entry)) {
            entry.inbox.vanish(|| {
                let metadata = json!({
                    "name": entry.key.name(), "namespace": entry.key.namespace(), "uid": &**uid,
                });
                let object = json!({
                    "apiVersion": resource.api_version(), "kind": resource.kind, "metadata": metadata,
                });
                object.to_string().into()
            });
            self.line_up(uid, entry, Lane::Live);
        }
    }

    /// Makes sure that an object for which something has come gets its turn.
    fn line_up(self: &Arc<Self>, uid: &Arc<str>, entry: &mut Entry, lane: Lane) {
        if self.is_stopping() {
            return;
        }
        match entry.standing {
            // Its worker looks into the inbox before it rests.
            Standing::Working(_) => return,
            Standing::Ready(present, _) if present == Lane::Live || present == lane => return,
            Standing::Held(present) if self.stays_held(present, lane) => return,
            Standing::Sleeping(due) => self.context.lanes.wake(due),
            Standing::Ready(..) | Standing::Held(_) | Standing::Resting => {}
        }
        entry.standing = Standing::Ready(lane, Instant::now());
        if let Some(metrics) = &self.metrics {
            metrics.adds.add();
        }
        if lane == Lane::Listed {
            self.backlog.fetch_add(1, Ordering::Relaxed);
        }
        self.context.lanes.enter(lane, self.ticket(uid));
    }

    fn ticket(self: &Arc<Self>, uid: &Arc<str>) -> Ticket {
        Ticket {
            queue: Arc::downgrade(self),
            uid: uid.clone(),
        }
    }

    fn is_stopping(&self) -> bool {
        self.context.term().has_ended() || self.abandon.is_cancelled()
    }

    /// It is an object's turn. Its ticket may be an old one: then there is nothing to do.
    pub(crate) fn start(self: &Arc<Self>, uid: &Arc<str>, lane: Lane, place: Place) {
        if self.holds(uid, lane) {
            return;
        }
        if lane == Lane::Listed {
            self.backlog.fetch_sub(1, Ordering::Relaxed);
            self.worked_off.notify_waiters();
        }
        let mut objects = self.objects();
        // Whoever ends the workers holds the objects, too: none begins afterwards.
        if self.is_stopping() {
            return;
        }
        let Some(entry) = objects.get_mut(uid) else {
            return;
        };
        match entry.standing {
            Standing::Ready(ready, since) if ready == lane => {
                if let Some(metrics) = &self.metrics {
                    metrics.waited.observe(since.elapsed());
                }
            }
            Standing::Held(ready) if ready == lane => {}
            Standing::Sleeping(due) if lane == Lane::Live && due.has_come() => {}
            Standing::Ready(..)
            | Standing::Held(_)
            | Standing::Sleeping(_)
            | Standing::Resting
            | Standing::Working(_) => return,
        }
        let now = self.context.environment.clock.now();
        let is_time = matches!(entry.standing, Standing::Sleeping(_))
            && !entry.memory.is_due_for_indices(now);
        entry.inbox.is_woken |= is_time && entry.memory.is_at_rest();
        if !self.may_begin(uid, lane, entry) {
            return;
        }
        let turn = self.turn();
        entry.standing = Standing::Working(Instant::now());
        let mut shift = Shift {
            uid: uid.clone(),
            inbox: std::mem::take(&mut entry.inbox),
            memory: entry.memory.lent(self.context.may_be_asked()),
            place,
        };
        let resource = &self.kind().resource;
        let span = info_span!(
            parent: &self.context.span, "object",
            object = %entry.key, api_version = resource.api_version(), kind = resource.kind, uid = &**uid
        );
        let (queue, abandoned) = (self.clone(), self.abandon.clone());
        let term = self.context.term();
        // Made where it is awaited: a future that is moved is kept twice.
        let worker = self.workers.track_future(async move {
            let _turn = turn;
            tokio::select! {
                () = worker::run(&queue, &mut shift).instrument(span) => return,
                () = term.abandon.cancelled() => {}
                () = abandoned.cancelled() => return queue.let_go(&mut shift.memory),
            }
            let memory = std::mem::take(&mut shift.memory);
            queue.rest(&shift.uid, memory, None);
        });
        let worker = self.context.workers.track_future(worker);
        // A runtime that goes down drops what is spawned then and there, and its turn looks for the objects.
        drop(objects);
        tokio::spawn(worker);
    }

    /// Waits until no more than so many objects wait that listings have found.
    pub(crate) async fn room(&self, backlog: usize) {
        loop {
            let worked_off = self.worked_off.notified();
            if self.backlog.load(Ordering::Relaxed) <= backlog {
                return;
            }
            worked_off.await;
        }
    }

    /// The values that handlers keep for an object, if it is known.
    #[cfg(feature = "admission")]
    pub(crate) fn memos(&self, uid: &str) -> Option<crate::handler::Memos> {
        self.objects()
            .get_mut(uid)
            .map(|entry| entry.memory.memos())
    }

    /// Whether an object is known to be gone, though its worker has not taken notice yet.
    pub(crate) fn has_deletion(&self, uid: &str) -> bool {
        self.objects()
            .get(uid)
            .is_none_or(|entry| entry.inbox.deleted.is_some())
    }
}
