//! Indices come first: an object is indexed before any other handler sees it, and at the start no handler is called
//! before all objects are in all indices.
//!
//! That is so whenever everything is listed anew: at the start, and when the operator has been paused. Until then, who has been indexed is held in the lanes, as text and without a task or a place. The time has come when nobody
//! holds a `Pending` any more: each first listing of an indexed kind does so until its end, and each object that it finds
//! until it has been indexed once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::context::Context;
use super::kind::Kind;
use super::memory::Memory;
use super::queue::Queue;
use super::snapshot::Snapshot;
use super::worker::{Shift, parsed};
use crate::cause::IndexingCause;
use crate::engine::indexing::{Failures, Round, Subject, discard, index};
use crate::object::Body;

/// How often it is told what is waited for.
const REMINDER: Duration = Duration::from_secs(30);

/// How much is still to be indexed before any handler is called.
#[derive(Clone, Debug)]
pub(crate) struct Barrier(Arc<State>);

#[derive(Debug)]
struct State {
    /// How often everything was to be indexed so far.
    rounds: watch::Sender<u64>,
    /// Listings that begin now are waited for.
    is_beginning: AtomicBool,
    count: watch::Sender<usize>,
    /// The listings that are waited for.
    listings: Mutex<BTreeSet<String>>,
}

/// Something that is still to be indexed; it has been when this is dropped.
#[derive(Debug)]
pub(crate) struct Pending {
    state: Arc<State>,
}

/// The kinds that are known at the start are being found out.
#[derive(Debug)]
pub(super) struct Beginning(Pending);

/// A listing that is still to be indexed.
#[derive(Debug)]
pub(super) struct Unlisted {
    pending: Pending,
    name: String,
}

impl Default for Barrier {
    fn default() -> Self {
        Self(Arc::new(State {
            rounds: watch::Sender::new(0),
            is_beginning: AtomicBool::new(false),
            count: watch::Sender::new(0),
            listings: Mutex::default(),
        }))
    }
}

impl Barrier {
    /// There is something to be indexed.
    pub(super) fn pending(&self) -> Pending {
        self.0.count.send_modify(|count| *count += 1);
        Pending {
            state: self.0.clone(),
        }
    }

    /// The kinds that are known at the start are being found out, until this is dropped.
    pub(super) fn begin(&self) -> Beginning {
        self.0.is_beginning.store(true, Ordering::Relaxed);
        Beginning(self.pending())
    }

    /// A listing begins; it is waited for if it is one of the first ones.
    pub(super) fn listing(&self, name: String) -> Option<Unlisted> {
        if !self.0.is_beginning.load(Ordering::Relaxed) {
            return None;
        }
        self.0.listings().insert(name.clone());
        let pending = self.pending();
        Some(Unlisted { pending, name })
    }

    /// Waits until there is nothing to be indexed any more, or nothing has been for so long.
    async fn passed(&self, patience: Option<Duration>) {
        let mut count = self.0.count.subscribe();
        let begun = Instant::now();
        let mut progress = begun;
        loop {
            let left = *count.borrow_and_update();
            if left == 0 {
                debug!("all indices are complete after {:?}", begun.elapsed());
                return;
            }
            let given_up = patience.map(|patience| progress + patience);
            let remind = sleep(REMINDER);
            tokio::select! {
                changed = count.changed() => match changed {
                    Ok(()) => progress = Instant::now(),
                    Err(_) => return,
                },
                () = super::metadata::until(given_up) => {
                    warn!("handlers are called though indices are incomplete: {}", self.waited_for(left));
                    return;
                }
                () = remind => info!("no handler is called before all indices are complete: {}", self.waited_for(left)),
            }
        }
    }

    fn waited_for(&self, count: usize) -> String {
        let listings = self.0.listings();
        let objects = count.saturating_sub(listings.len());
        let mut parts: Vec<String> = listings
            .iter()
            .map(|name| format!("{name} is not listed yet"))
            .collect();
        if objects > 0 {
            parts.push(format!("{objects} objects are being indexed"));
        }
        parts.join(", ")
    }
}

impl State {
    fn listings(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.state.count.send_modify(|count| *count -= 1);
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        let is_beginning = &self.0.state.is_beginning;
        is_beginning.store(false, Ordering::Relaxed);
    }
}

impl Drop for Unlisted {
    fn drop(&mut self) {
        self.pending.state.listings().remove(&self.name);
    }
}

/// Everything is listed anew: nobody's handlers are called before it has been indexed. What is listed from now on is
/// waited for, until what this gives is dropped.
pub(super) fn begin_anew(context: &Context) -> Beginning {
    let beginning = context.barrier.begin();
    if !context.handlers.indexing.is_empty() {
        let rounds = &context.barrier.0.rounds;
        rounds.send_modify(|round| {
            *round += 1;
            context.lanes.close();
        });
    }
    beginning
}

/// Lets handlers be called whenever all indices are complete.
pub(super) async fn keep(context: Arc<Context>) {
    let patience = context.settings.indexing.patience;
    let mut rounds = context.barrier.0.rounds.subscribe();
    loop {
        let round = *rounds.borrow_and_update();
        context.barrier.passed(patience).await;
        open(&context, round);
        if rounds.changed().await.is_err() {
            return;
        }
    }
}

/// Lets handlers be called, unless everything is to be indexed anew.
fn open(context: &Context, round: u64) {
    // As long as this is held, no other round begins.
    let present = context.barrier.0.rounds.borrow();
    if *present == round {
        context.lanes.open();
    }
}

/// What is known of an object that some index handlers have failed with. Others have nothing of it.
#[derive(Debug)]
pub(crate) struct Unindexed {
    failures: Failures,
    /// The object, as long as it is to be indexed again by itself.
    body: Option<Body>,
    /// When the object is to be looked at for other reasons.
    other: Option<Timestamp>,
}

impl Memory {
    /// When to take an object up that is to be looked at then.
    pub(super) fn due_with_indices(&mut self, other: Option<Timestamp>) -> Option<Timestamp> {
        let Some(unindexed) = &mut self.unindexed else {
            return other;
        };
        unindexed.other = other;
        unindexed.failures.due().into_iter().chain(other).min()
    }

    /// Whether an object whose time has come is to be indexed again, and nothing else.
    pub(super) fn is_due_for_indices(&self, now: Timestamp) -> bool {
        let Some(unindexed) = &self.unindexed else {
            return false;
        };
        let is_due = |due| due <= now;
        unindexed.failures.due().is_some_and(is_due) && !unindexed.other.is_some_and(is_due)
    }

    /// Keeps what is needed to index an object again.
    fn keep_unindexed(&mut self, failures: Failures, body: &Body) {
        let other = self.unindexed.take().and_then(|unindexed| unindexed.other);
        if !failures.is_empty() {
            self.unindexed = Some(Box::new(Unindexed {
                body: failures.due().map(|_| body.clone()),
                failures,
                other,
            }));
        }
    }
}

/// Indexes an object as it is.
pub(super) async fn update(context: &Context, kind: &Kind, shift: &mut Shift, body: &Body) {
    index_in(context, kind, shift, (body, Round::Whole)).await;
}

/// Calls index handlers. The object's place is given back, as they take as long as they take.
async fn index_in(
    context: &Context,
    kind: &Kind,
    shift: &mut Shift,
    (body, round): (&Body, Round),
) {
    let handlers = &kind.handlers.indexing;
    if handlers.is_empty() {
        shift.memory.unindexed = None;
        return;
    }
    shift.place = None;
    let memory = &mut shift.memory;
    let mut failures = memory
        .unindexed
        .as_mut()
        .map(|unindexed| std::mem::take(&mut unindexed.failures))
        .unwrap_or_default();
    let subject = Subject {
        uid: &shift.uid,
        cause: IndexingCause::new(kind.resource.clone(), body.clone()),
        memos: memory.memos(),
    };
    tokio::select! {
        () = index(handlers, (&subject, round), &mut failures, &context.environment) => {}
        () = context.cancelled() => {}
    }
    shift.memory.keep_unindexed(failures, body);
}

/// Indexes an object again whose time has come for that alone; gives when it is to be looked at for other reasons.
pub(super) async fn again(
    context: &Context,
    kind: &Kind,
    shift: &mut Shift,
) -> Option<Option<Timestamp>> {
    let now = context.environment.clock.now();
    if !shift.inbox.is_empty() || !shift.memory.is_due_for_indices(now) {
        return None;
    }
    let unindexed = shift.memory.unindexed.as_ref()?;
    let (body, other) = (unindexed.body.clone()?, unindexed.other);
    index_in(context, kind, shift, (&body, Round::Failed)).await;
    Some(other)
}

/// Indexes what our own writes have led to: their echo tells nothing new.
pub(super) async fn written(context: &Context, kind: &Kind, shift: &mut Shift) {
    let Some(work) = &mut shift.memory.work else {
        return;
    };
    if !std::mem::take(&mut work.is_unindexed) {
        return;
    }
    if let Some(body) = work.snapshot.as_ref().map(|snapshot| snapshot.body.clone()) {
        update(context, kind, shift, &body).await;
    }
}

/// Takes an object that is gone out of all indices.
pub(super) fn forget(context: &Context, kind: &Kind, uid: &str) {
    discard(&kind.handlers.indexing, uid, &context.environment);
}

/// Indexes what has come for an object, for as long as no handler may be called. Gives whether they may.
pub(super) async fn admitted(queue: &Queue, kind: &Kind, shift: &mut Shift) -> bool {
    while !queue.context.lanes.is_open() {
        if let Some(news) = unindexed(kind, shift) {
            update(&queue.context, kind, shift, &news.body).await;
        }
        if shift.inbox.deleted.is_some() {
            forget(&queue.context, kind, &shift.uid);
        }
        shift.inbox.is_indexed = true;
        queue.has_indexed(&shift.uid);
        if !queue.take_newer(shift) {
            return queue.context.lanes.is_open();
        }
    }
    true
}

/// What has come and was not indexed yet.
fn unindexed(kind: &Kind, shift: &Shift) -> Option<Snapshot> {
    let inbox = &shift.inbox;
    let is_wanted = !inbox.is_indexed && inbox.deleted.is_none();
    let (_, text) = inbox.live.as_ref().filter(|_| is_wanted)?;
    parsed(kind, text)
}
