//! Whom to wake when something happens to an object of another kind.
//!
//! The watch of a related kind tells `Bonds` of each object that comes, changes or goes. Who is bound to it
//! is woken: the object that controls it, those that a function of the user's names, and those that have
//! named it themselves (`Names`). What is remembered of a related object is whom it wakes, not the object.
//!
//! A wake-up is no event: an object that is not known is not looked for, and one that is being handled is
//! looked at once more afterwards, however often it was woken.

mod bonds;
mod names;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, warn};

pub(super) use self::bonds::Bonds;
use self::names::Names;
use super::kind::{Interest, Kind};
use super::queue::Queue;
use crate::cause::ChangingCause;
use crate::handler::{Bond, Handler};
use crate::object::{Body, ObjectKey};
use crate::resource::{Resource, Selector};

/// How long the objects of a kind wait for those of related kinds to be listed. Were they handled earlier,
/// they would be handled again for each of those.
const PATIENCE: Duration = Duration::from_secs(5);

/// An object to be woken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whom {
    Uid(Arc<str>),
    Key(ObjectKey),
    /// As owner references name it: what they say of the kind must be true.
    Controller {
        group: Box<str>,
        kind: Box<str>,
        uid: Arc<str>,
    },
}

/// What all kinds share to wake one another.
#[derive(Debug)]
pub(crate) struct Related {
    queues: Mutex<Vec<Weak<Queue>>>,
    names: Mutex<Names>,
    /// How many related watches have not listed yet.
    unlisted: watch::Sender<usize>,
}

/// A related watch that has not listed yet.
#[derive(Debug)]
pub(super) struct Unlisted(watch::Sender<usize>);

impl Drop for Unlisted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Default for Related {
    fn default() -> Self {
        Self {
            queues: Mutex::default(),
            names: Mutex::default(),
            unlisted: watch::Sender::new(0),
        }
    }
}

impl Related {
    fn queues(&self) -> MutexGuard<'_, Vec<Weak<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kind is being served: its objects can be woken.
    pub(super) fn enlist(&self, queue: &Arc<Queue>) {
        let mut queues = self.queues();
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(queue));
    }

    /// The objects of a resource, in whatever versions it is being served; the version asked for comes first. What
    /// else the API says of it may have changed since.
    pub(super) fn queues_of(&self, resource: &Resource) -> Vec<Arc<Queue>> {
        let queues: Vec<_> = self.queues().iter().filter_map(Weak::upgrade).collect();
        let is_meant = |queue: &Arc<Queue>| {
            let served = &queue.kind().resource;
            (&served.group, &served.plural) == (&resource.group, &resource.plural)
        };
        let mut queues: Vec<_> = queues.into_iter().filter(is_meant).collect();
        queues.sort_by_key(|queue| queue.kind().resource.version != resource.version);
        queues
    }

    /// The resource that a selector means, if it is watched.
    pub(crate) fn resource(&self, selector: &Selector) -> Option<Arc<Resource>> {
        let queues: Vec<_> = self.queues().iter().filter_map(Weak::upgrade).collect();
        let mut resources = queues.iter().map(|queue| queue.kind().resource.clone());
        resources.find(|resource| selector.matches(resource))
    }

    /// Wakes an object of those kinds for which something holds; no others than known ones.
    pub(crate) fn wake(&self, whom: &Whom, is_meant: impl Fn(&Kind) -> bool) {
        let queues: Vec<_> = self.queues().iter().filter_map(Weak::upgrade).collect();
        for queue in queues.iter().filter(|queue| is_meant(&queue.kind())) {
            queue.wake(whom);
        }
    }

    /// Wakes an object that a handler is for.
    fn wake_for(&self, handler: &Arc<Handler<ChangingCause>>, whom: &Whom) {
        self.wake(whom, |kind| serves(kind, handler));
    }

    /// Takes notice of the objects that an object names: what happens to them wakes it.
    pub(super) fn learn(&self, kind: &Kind, body: &Body) {
        for handler in &kind.handlers.changing {
            for (place, relation) in handler.rule.relations.iter().enumerate() {
                let Bond::Named(naming) = &relation.bond else {
                    continue;
                };
                match naming(body) {
                    Ok(keys) => self.names().set((handler, place), body.uid(), keys),
                    Err(error) => debug!("whom the object names cannot be told: {error}"),
                }
            }
        }
    }

    /// An object is gone: it names nobody any more.
    pub(super) fn forget(&self, kind: &Kind, uid: &str) {
        for handler in &kind.handlers.changing {
            for (place, relation) in handler.rule.relations.iter().enumerate() {
                if matches!(relation.bond, Bond::Named(_)) {
                    self.names().set((handler, place), uid, Vec::new());
                }
            }
        }
    }

    /// Whom an object of a related kind wakes, as far as one handler is interested.
    fn bound(resource: &Resource, interest: &Interest, body: &Body) -> Vec<Whom> {
        match &interest.relation.bond {
            Bond::Controlled => controller(body).into_iter().collect(),
            Bond::Mapped(naming) => match naming(body) {
                Ok(keys) => keys.into_iter().map(Whom::Key).collect(),
                Err(error) => {
                    warn!(
                        "{} of {resource} wakes nobody, as the function that `{}` is declared with for it has failed: {error}",
                        body.key(),
                        interest.handler.id
                    );
                    Vec::new()
                }
            },
            // Told when it happens: names may come later than what they name.
            Bond::Named(_) => Vec::new(),
        }
    }

    /// Who has named an object of a related kind.
    fn naming(&self, interest: &Interest, key: &ObjectKey) -> Vec<Whom> {
        let relations = &interest.handler.rule.relations;
        let place = relations
            .iter()
            .position(|relation| *relation == interest.relation);
        let names = self.names();
        let uids = place.map(|place| names.of((&interest.handler, place), key));
        uids.into_iter().flatten().map(Whom::Uid).collect()
    }

    /// A related watch begins; it has listed when what this gives is dropped.
    pub(super) fn listing(&self) -> Unlisted {
        self.unlisted.send_modify(|count| *count += 1);
        Unlisted(self.unlisted.clone())
    }

    /// Waits until related kinds have been listed, for a while.
    pub(super) async fn listed(&self) {
        let mut unlisted = self.unlisted.subscribe();
        let all = unlisted.wait_for(|count| *count == 0);
        if timeout(PATIENCE, all).await.is_err() {
            debug!("related kinds are not listed yet, not waiting for them any longer");
        }
    }
}

/// Whether objects of a kind are what a handler is for.
fn serves(kind: &Kind, handler: &Arc<Handler<ChangingCause>>) -> bool {
    let mut handlers = kind.handlers.changing.iter();
    handlers.any(|one| Arc::ptr_eq(one, handler))
}

/// The object that controls another one. Versions do not matter: owner references keep the one that they
/// were written with.
fn controller(body: &Body) -> Option<Whom> {
    let references = body.meta()["ownerReferences"].as_array()?;
    let reference = references.iter().find(|one| one["controller"] == true)?;
    let text = |field: &str| reference[field].as_str();
    let api_version = text("apiVersion")?;
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    Some(Whom::Controller {
        group: group.into(),
        kind: text("kind")?.into(),
        uid: text("uid")?.into(),
    })
}
