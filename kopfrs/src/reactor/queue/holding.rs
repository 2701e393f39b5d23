//! Objects that are held: no handler is called before all indices are complete.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Queue, Standing};
use crate::cause::EventType;
use crate::reactor::indexing::{Pending, Unlisted};
use crate::reactor::kind::Kind;
use crate::reactor::lanes::Lane;
use crate::reactor::worker::Shift;

impl Queue {
    /// A listing begins; gives what holds up handlers until its end, if they wait for it.
    pub(in crate::reactor) fn listing(&self, namespace: Option<&str>) -> Option<Unlisted> {
        let kind = self.kind();
        if kind.handlers.indexing.is_empty() {
            return None;
        }
        let name = match namespace {
            Some(namespace) => format!("{} in namespace {namespace}", kind.resource),
            None => kind.resource.to_string(),
        };
        let unlisted = self.context.barrier.listing(name);
        if unlisted.is_some() {
            self.is_awaited.store(true, Ordering::Relaxed);
        }
        unlisted
    }

    /// What holds up handlers until an object has been indexed that a listing has found.
    pub(super) fn awaited(&self, kind: &Kind) -> Option<Pending> {
        let is_awaited = !kind.handlers.indexing.is_empty()
            && self.is_awaited.load(Ordering::Relaxed)
            && !self.context.lanes.is_open();
        is_awaited.then(|| self.context.barrier.pending())
    }

    /// An object has been indexed.
    pub(in crate::reactor) fn has_indexed(&self, uid: &str) {
        let pending = self
            .objects()
            .get_mut(uid)
            .and_then(|entry| entry.pending.take());
        drop(pending);
    }

    /// Whether an object that is held needs not line up for what has come now.
    pub(super) fn stays_held(&self, present: Lane, lane: Lane) -> bool {
        self.kind().handlers.indexing.is_empty() && (present == Lane::Live || present == lane)
    }

    /// Holds an object whose turn it would be, if handlers have to wait and there is nothing to be indexed.
    pub(super) fn holds(self: &Arc<Self>, uid: &Arc<str>, lane: Lane) -> bool {
        let lanes = &self.context.lanes;
        if lanes.is_open() || !self.kind().handlers.indexing.is_empty() {
            return false;
        }
        let mut objects = self.objects();
        let is_ready =
            |standing: Standing| matches!(standing, Standing::Ready(ready, _) if ready == lane);
        let entry = objects.get_mut(uid);
        let Some(entry) = entry.filter(|entry| is_ready(entry.standing)) else {
            return false;
        };
        entry.standing = Standing::Held(lane);
        lanes.hold(lane, self.ticket(uid));
        true
    }

    /// Adds to a worker's inbox what has come since; gives whether there was anything.
    pub(in crate::reactor) fn take_newer(&self, shift: &mut Shift) -> bool {
        let newer = self.take(&shift.uid);
        let has_come = !newer.is_empty();
        shift.inbox.follow(newer);
        has_come
    }

    /// A worker has to wait until handlers may be called: what has come stays in the inbox, and the worker ends.
    pub(in crate::reactor) fn park(self: &Arc<Self>, shift: &mut Shift) {
        let mut objects = self.objects();
        let Some(entry) = objects.get_mut(&shift.uid) else {
            return;
        };
        let newer = std::mem::replace(&mut entry.inbox, std::mem::take(&mut shift.inbox));
        let has_come = !newer.is_empty();
        entry.inbox.follow(newer);
        entry.memory.give_back(std::mem::take(&mut shift.memory));
        entry.standing = Standing::Resting;
        if has_come {
            self.line_up(&shift.uid, entry, Lane::Live);
            return;
        }
        let is_found = matches!(entry.inbox.live, Some((EventType::Listed, _)));
        let is_gone = entry.inbox.deleted.is_some();
        let lane = if is_found && !is_gone {
            Lane::Indexed
        } else {
            Lane::Live
        };
        if !self.is_stopping() {
            entry.standing = Standing::Held(lane);
            self.context.lanes.hold(lane, self.ticket(&shift.uid));
        }
    }
}
