//! Each object's inbox: of several states of an object only the newest counts, and a deletion is
//! never lost. One worker an object, made when there is something to do, gone when there is not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, info_span};

use super::context::Context;
use super::kind::Kind;
use super::snapshot::Version;
use super::worker::{self, Memory};
use crate::cause::EventType;
use crate::object::ObjectKey;

/// An event, with the object still as text.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) event_type: EventType,
    pub(crate) uid: Box<str>,
    pub(crate) key: ObjectKey,
    pub(crate) version: Option<Version>,
    pub(crate) text: Box<str>,
}

/// What waits for an object's worker.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// The type of the first unseen event, and the newest body.
    pub(crate) live: Option<(EventType, Box<str>)>,
    /// The version of that body, if versions can be compared.
    pub(crate) version: Option<Version>,
    /// The last body of an object that is gone.
    pub(crate) deleted: Option<Box<str>>,
}

/// All objects of one kind that are known.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) context: Arc<Context>,
    kind: RwLock<Arc<Kind>>,
    /// Ends the workers: the operator is no more, or the kind is not served any more.
    abandon: CancellationToken,
    workers: TaskTracker,
    objects: Mutex<HashMap<Box<str>, Entry>>,
}

#[derive(Debug)]
struct Entry {
    key: ObjectKey,
    /// The listing that has seen the object last.
    listing: u64,
    inbox: Inbox,
    /// Wakes the worker, if there is one.
    worker: Option<Arc<Notify>>,
    memory: Memory,
}

impl Inbox {
    fn is_empty(&self) -> bool {
        self.live.is_none() && self.deleted.is_none()
    }

    fn add(&mut self, event_type: EventType, version: Option<Version>, text: Box<str>) {
        match (event_type, self.live.take()) {
            (EventType::Deleted, live) => {
                self.live = live;
                self.deleted = Some(text);
            }
            // A listing may come from a server that is behind.
            (_, Some(newer)) if is_older(version, self.version) => self.live = Some(newer),
            (event_type, live) => {
                let first = live.map_or(event_type, |(first, _)| first);
                self.live = Some((first, text));
                self.version = version;
            }
        }
    }

    /// The object is not there any more. A last body that was told is better than a made one.
    fn vanish(&mut self, made: impl FnOnce() -> Box<str>) {
        self.deleted.get_or_insert_with(made);
    }
}

fn is_older(version: Option<Version>, than: Option<Version>) -> bool {
    matches!((version, than), (Some(version), Some(than)) if version < than)
}

impl Queue {
    pub(crate) fn new(context: Arc<Context>, kind: Arc<Kind>) -> Arc<Self> {
        Arc::new(Self {
            abandon: context.stop.abandon.child_token(),
            workers: TaskTracker::new(),
            context,
            kind: RwLock::new(kind),
            objects: Mutex::default(),
        })
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

    fn objects(&self) -> MutexGuard<'_, HashMap<Box<str>, Entry>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event in. `listing` is the number of the listing that it is part of, or after which
    /// it came.
    pub(crate) fn push(self: &Arc<Self>, arrival: Arrival, listing: u64) {
        let mut objects = self.objects();
        let is_known = objects.contains_key(&arrival.uid);
        // An object that is listed again is neither new nor found again: something may have changed.
        let event_type = match arrival.event_type {
            EventType::Listed if is_known => EventType::Modified,
            event_type => event_type,
        };
        let entry = objects.entry(arrival.uid.clone()).or_insert_with(|| Entry {
            key: arrival.key,
            listing,
            inbox: Inbox::default(),
            worker: None,
            memory: Memory::new(event_type == EventType::Listed),
        });
        entry.listing = listing;
        entry.inbox.add(event_type, arrival.version, arrival.text);
        self.wake(&arrival.uid, entry);
    }

    /// The objects of a namespace that a complete listing has not shown are gone.
    pub(crate) fn sweep(self: &Arc<Self>, namespace: Option<&str>, listing: u64) {
        let mut objects = self.objects();
        let is_gone = |entry: &Entry| {
            entry.listing < listing && namespace.is_none_or(|n| entry.key.namespace() == Some(n))
        };
        let resource = self.kind().resource.clone();
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
            self.wake(uid, entry);
        }
    }

    fn wake(self: &Arc<Self>, uid: &str, entry: &mut Entry) {
        if let Some(worker) = &entry.worker {
            worker.notify_one();
            return;
        }
        if self.context.stop.drain.is_cancelled() || self.abandon.is_cancelled() {
            return;
        }
        let notify = Arc::new(Notify::new());
        entry.worker = Some(notify.clone());
        let memory = std::mem::take(&mut entry.memory);
        let span = info_span!(parent: None, "object", object = %entry.key);
        let worker = worker::run(self.clone(), uid.into(), memory, notify).instrument(span);
        let abandoned = self.abandon.clone().cancelled_owned();
        let worker = self.workers.track_future(async move {
            tokio::select! {
                () = worker => {}
                () = abandoned => {}
            }
        });
        self.context.workers.spawn(worker);
    }

    /// Ends all workers where they are, and waits for their end: the kind is not served any more.
    /// When it is served again, nobody else is at work on its objects.
    pub(crate) async fn end(&self) {
        self.abandon.cancel();
        self.workers.close();
        self.workers.wait().await;
    }

    /// Whether something waits in an object's inbox.
    pub(crate) fn has_mail(&self, uid: &str) -> bool {
        self.objects()
            .get(uid)
            .is_some_and(|entry| !entry.inbox.is_empty())
    }

    /// Whether an object is known to be gone, though its worker has not taken notice yet.
    pub(crate) fn has_deletion(&self, uid: &str) -> bool {
        self.objects()
            .get(uid)
            .is_none_or(|entry| entry.inbox.deleted.is_some())
    }

    /// Empties an object's inbox.
    pub(crate) fn take(&self, uid: &str) -> Inbox {
        self.objects()
            .get_mut(uid)
            .map(|entry| std::mem::take(&mut entry.inbox))
            .unwrap_or_default()
    }

    /// A worker has nothing to do any more. Gives the memory back if something has come meanwhile.
    pub(crate) fn rest(&self, uid: &str, memory: Memory) -> Option<Memory> {
        let mut objects = self.objects();
        let entry = objects.get_mut(uid)?;
        if !entry.inbox.is_empty() && !self.context.stop.drain.is_cancelled() {
            return Some(memory);
        }
        entry.worker = None;
        entry.memory = memory;
        None
    }

    /// A worker leaves what has come where it is: the operator stops.
    pub(crate) fn abandon(&self, uid: &str) {
        if let Some(entry) = self.objects().get_mut(uid) {
            entry.worker = None;
        }
    }

    /// An object is gone for good.
    pub(crate) fn forget(&self, uid: &str) {
        self.objects().remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_body_wins_the_first_type_stays_and_deletions_are_kept() {
        let mut inbox = Inbox::default();
        inbox.add(EventType::Added, Version::parse("1"), "1".into());
        inbox.add(EventType::Modified, Version::parse("2"), "2".into());
        inbox.add(EventType::Modified, Version::parse("1"), "1".into());
        assert_eq!(inbox.live, Some((EventType::Added, "2".into())));
        assert_eq!(inbox.version, Version::parse("2"));
        inbox.add(EventType::Deleted, Version::parse("3"), "3".into());
        assert_eq!(inbox.live, Some((EventType::Added, "2".into())));
        assert_eq!(inbox.deleted.as_deref(), Some("3"));
    }

    #[test]
    fn the_last_body_that_was_told_is_kept_when_a_listing_misses_the_object() {
        let mut inbox = Inbox::default();
        inbox.vanish(|| "made".into());
        assert_eq!(inbox.deleted.as_deref(), Some("made"));
        inbox.add(EventType::Deleted, None, "told".into());
        inbox.vanish(|| "made".into());
        assert_eq!(inbox.deleted.as_deref(), Some("told"));
    }
}
