//! What goes along with objects: which daemons and timers are to run for an object, and what they need of it.
//!
//! At each look at an object, those begin that are for it, and those are told to end that are not; how they
//! run is the business of `engine::daemons`. Their tasks hold the [`Keeper`] of the object, its worker holds
//! what it has [`Attended`] to. Objects without any have neither.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tracing::info_span;

use super::commit::amend;
use super::context::Context;
use super::inbox::is_older;
use super::kind::Kind;
use super::memory::Memory;
use super::process::View;
use super::snapshot::Snapshot;
use crate::api::ApiError;
use crate::cause::{DaemonStoppingReason, Feed, Live, SpawningCause};
use crate::engine::daemons::{Ended, Instance, Subject};
use crate::handler::{Handler, Memos};
use crate::object::{Change, digest};
use crate::resource::Resource;
use crate::storage::Record;

/// What goes along with one object. Dropped with the object, all of it ends.
#[derive(Debug, Default)]
pub(crate) struct Attended {
    /// `None` if nothing runs, and nothing will.
    keeper: Option<Arc<Keeper>>,
    instances: Vec<Instance>,
    /// The ids of those that have ended by themselves.
    exited: Vec<String>,
    /// The digest of the essence that was seen last.
    essence: String,
}

/// An object as its daemons see it.
#[derive(Debug)]
struct Keeper {
    context: Arc<Context>,
    uid: Arc<str>,
    feed: Feed,
    memos: Memos,
    seen: Mutex<(Arc<Kind>, Snapshot)>,
}

/// Has those run that are for the object, and no others. Gives whether the object must not go without them.
pub(super) fn attend(
    (context, kind): (&Arc<Context>, &Arc<Kind>),
    memory: &mut Memory,
    snapshot: &Snapshot,
    view: &View,
) -> bool {
    if kind.handlers.spawning.is_empty() {
        return false;
    }
    let mut attended = memory.daemons.take();
    if let Some(attended) = &mut attended {
        attended.see(kind, (snapshot, view));
        attended.reap();
    }
    if snapshot.body.is_deleting() {
        if let Some(attended) = &attended {
            attended.stop(DaemonStoppingReason::RESOURCE_DELETED);
        }
        memory.daemons = attended;
        return false;
    }
    let wanted = wanted(kind, snapshot, attended.as_deref());
    if attended.is_none() && wanted.is_empty() {
        return false;
    }
    let mut attended = attended.unwrap_or_default();
    attended.stop_others(&wanted);
    let is_held = wanted.iter().any(|handler| handler.rule.requires_finalizer)
        || attended.instances.iter().any(Instance::holds_object);
    if wanted.is_empty() && attended.instances.is_empty() {
        attended.keeper = None;
    } else {
        let keeper = attended.keeper((context, kind), memory, (snapshot, view));
        for handler in wanted {
            // As for all handlers: the object must not go unnoticed from the first call on.
            if view.has_finalizer || !handler.rule.requires_finalizer {
                attended.spawn(handler, &keeper);
            }
        }
    }
    let is_kept = attended.keeper.is_some() || !attended.exited.is_empty();
    memory.daemons = is_kept.then_some(attended);
    is_held
}

/// The handlers that are for an object and have not ended by themselves; of several made of one function under
/// one id, the first.
fn wanted<'a>(
    kind: &'a Kind,
    snapshot: &Snapshot,
    attended: Option<&Attended>,
) -> Vec<&'a Arc<Handler<SpawningCause>>> {
    let cause = SpawningCause::new(kind.resource.clone(), snapshot.body.clone());
    let has_exited = |id: &String| attended.is_some_and(|attended| attended.exited.contains(id));
    let mut wanted: Vec<&Arc<Handler<SpawningCause>>> = Vec::new();
    for handler in &kind.handlers.spawning {
        let is_twice = wanted.iter().any(|other| other.id == handler.id);
        if !is_twice && !has_exited(&handler.id) && handler.filter.matches_body(&cause) {
            wanted.push(handler);
        }
    }
    wanted
}

/// Waits a while until the object may go, as far as its daemons are concerned; gives whether it may. They have
/// been told to end.
pub(super) async fn released(context: &Context, memory: &Memory) -> bool {
    let Some(attended) = &memory.daemons else {
        return true;
    };
    let released = join_all(attended.instances.iter().map(Instance::released));
    let patience = context.settings.execution.checkpoint_after;
    tokio::select! {
        biased;
        _ = released => true,
        () = context.drained() => false,
        () = tokio::time::sleep(patience) => false,
    }
}

impl Attended {
    /// The object as it was seen last, if anything goes along with it.
    pub(super) fn seen(&self) -> Option<Snapshot> {
        self.keeper.as_ref().map(|keeper| keeper.seen().1.clone())
    }

    /// Shows a state that an own write has led to.
    pub(super) fn show(&self, snapshot: &Snapshot) {
        if let Some(keeper) = &self.keeper {
            keeper.show(snapshot, false);
        }
    }

    fn see(&mut self, kind: &Arc<Kind>, (snapshot, view): (&Snapshot, &View)) {
        let Some(keeper) = &self.keeper else {
            return;
        };
        keeper.seen().0 = kind.clone();
        let essence = digest(&view.essence);
        let is_change = essence != self.essence;
        self.essence = essence;
        keeper.show(snapshot, is_change);
    }

    /// Takes notice of those that have ended.
    fn reap(&mut self) {
        let exited = &mut self.exited;
        self.instances.retain(|instance| match instance.ended() {
            Some(Ended::ByItself) => {
                exited.push(instance.handler.id.clone());
                false
            }
            Some(Ended::Told) => false,
            None => true,
        });
    }

    /// Tells all to end.
    pub(super) fn stop(&self, reason: DaemonStoppingReason) {
        for instance in &self.instances {
            instance.stop(reason);
        }
    }

    /// Tells those to end that are not wanted any more.
    fn stop_others(&self, wanted: &[&Arc<Handler<SpawningCause>>]) {
        let is_wanted = |instance: &&Instance| wanted.iter().any(|h| h.id == instance.handler.id);
        for instance in self.instances.iter().filter(|i| !is_wanted(i)) {
            instance.stop(DaemonStoppingReason::FILTERS_MISMATCH);
        }
    }

    fn keeper(
        &mut self,
        (context, kind): (&Arc<Context>, &Arc<Kind>),
        memory: &mut Memory,
        (snapshot, view): (&Snapshot, &View),
    ) -> Arc<Keeper> {
        if let Some(keeper) = &self.keeper {
            return keeper.clone();
        }
        let keeper = Arc::new(Keeper {
            context: context.clone(),
            uid: snapshot.body.uid().into(),
            feed: Feed::new(snapshot.body.clone()),
            memos: memory.memos(),
            seen: Mutex::new((kind.clone(), snapshot.clone())),
        });
        self.essence = digest(&view.essence);
        self.keeper = Some(keeper.clone());
        keeper
    }

    /// Begins with a daemon, unless it runs already or may not run now. There are never two of them.
    fn spawn(&mut self, handler: &Arc<Handler<SpawningCause>>, keeper: &Arc<Keeper>) {
        let is_there = |instance: &Instance| instance.handler.id == handler.id;
        let context = &keeper.context;
        if self.instances.iter().any(is_there) || context.term().has_ended() {
            return;
        }
        let body = keeper.seen().1.body.clone();
        let span = info_span!(
            parent: &context.span, "object",
            object = %body.key(), api_version = body.api_version(), kind = body.kind(), uid = body.uid()
        );
        let instance = context.daemons.spawn(handler.clone(), keeper.clone(), span);
        self.instances.extend(instance);
    }
}

impl Drop for Attended {
    /// Nobody looks after the object any more, and nobody has said why: the operator is no more.
    fn drop(&mut self) {
        for instance in self.instances.iter().filter(|i| !i.is_stopped()) {
            instance.stop(DaemonStoppingReason::OPERATOR_EXITING);
        }
    }
}

impl Keeper {
    fn seen(&self) -> MutexGuard<'_, (Arc<Kind>, Snapshot)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a state. Of one that is older than what is known, as that has come with the answer to an own write,
    /// nothing counts but that there was a change.
    fn show(&self, snapshot: &Snapshot, is_change: bool) {
        // Held until it is shown: others may come with a newer one meanwhile.
        let mut seen = self.seen();
        if is_older(snapshot.version(), seen.1.version()) {
            if is_change {
                self.feed.touch();
            }
            return;
        }
        let is_new = snapshot.body.resource_version() != seen.1.body.resource_version();
        seen.1 = snapshot.clone();
        if is_new || is_change {
            self.feed.show(snapshot.body.clone(), is_change);
        }
    }

    async fn amend(&self, change: &Change, is_asked_often: bool) -> Result<(), ApiError> {
        let (kind, snapshot) = self.seen().clone();
        // It may have been discovered anew since the last look at the object.
        let kind = self.kind_now().unwrap_or(kind);
        let what = (change, is_asked_often);
        if let Some(written) = amend((&self.context, &kind), &snapshot, what).await? {
            self.show(&written, false);
        }
        Ok(())
    }

    /// Its kind as it was discovered last, if it is still being served.
    fn kind_now(&self) -> Option<Arc<Kind>> {
        let resource = self.resource();
        let queues = self.context.related.queues_of(&resource);
        let mut kinds = queues.iter().map(|queue| queue.kind());
        kinds.find(|kind| kind.resource.version == resource.version)
    }
}

impl Subject for Keeper {
    fn uid(&self) -> &Arc<str> {
        &self.uid
    }

    fn resource(&self) -> Arc<Resource> {
        self.seen().0.resource.clone()
    }

    fn live(&self) -> Live {
        self.feed.live()
    }

    fn memos(&self) -> Memos {
        self.memos.clone()
    }

    fn write(&self, change: Change, is_asked_often: bool) -> BoxFuture<'_, Result<(), ApiError>> {
        async move { self.amend(&change, is_asked_often).await }.boxed()
    }

    fn attempted(&self, handler: &str, record: &Record) {
        let (kind, snapshot) = self.seen().clone();
        let about = (&*kind.resource, &snapshot.body);
        self.context.posting.attempted(about, handler, record);
    }

    fn rouse(&self) {
        // Who looks after the object now may be another version of its kind.
        for queue in self.context.related.queues_of(&self.resource()) {
            queue.rouse(&self.uid);
        }
    }
}
