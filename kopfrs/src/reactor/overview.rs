//! What an operator knows and still has to do, for tests: to tell why they wait in vain, and to see that
//! there is nothing to wait for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use super::context::Context;
use super::snapshot::Version;
use crate::object::ObjectKey;
use crate::resource::Resource;

/// Looks on at an operator, as soon as it is at work and as long as it is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observer(Arc<OnceLock<Weak<Context>>>);

/// What is known of one object.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) uid: Arc<str>,
    pub(super) key: ObjectKey,
    /// The newest version that has come, or that our own write has led to.
    pub(super) version: Option<Version>,
    /// What it is about, unless it rests.
    pub(super) state: Option<String>,
}

/// An object that something is to be done for.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) resource: Arc<Resource>,
    pub(crate) key: ObjectKey,
    pub(crate) state: String,
}

impl Observer {
    /// The operator begins to work.
    pub(crate) fn see(&self, context: &Arc<Context>) {
        // An operator begins once.
        let _ = self.0.set(Arc::downgrade(context));
    }

    fn context(&self) -> Option<Arc<Context>> {
        self.0.get()?.upgrade()
    }

    /// The kinds that are served.
    pub(crate) fn served(&self) -> Vec<Arc<Resource>> {
        let queues = self.context().map(|context| context.queues());
        let queues = queues.into_iter().flatten();
        queues.map(|queue| queue.kind().resource.clone()).collect()
    }

    /// What handlers ask for without anything like it being served.
    pub(crate) fn missing(&self) -> Vec<String> {
        let Some(context) = self.context() else {
            return Vec::new();
        };
        let served = self.served();
        let selectors = context.handlers.selectors();
        let missing = selectors.filter(|selector| !served.iter().any(|r| selector.matches(r)));
        let mut missing: Vec<String> = missing.map(ToString::to_string).collect();
        missing.sort();
        missing.dedup();
        missing
    }

    /// The objects that something is to be done for, now or later.
    pub(crate) fn pending(&self) -> Vec<Pending> {
        let queues = self.context().map(|context| context.queues());
        let mut pending = Vec::new();
        for queue in queues.into_iter().flatten() {
            let resource = queue.kind().resource.clone();
            let of_kind = queue.known().into_iter().filter_map(|known| {
                Some(Pending {
                    resource: resource.clone(),
                    key: known.key,
                    state: known.state?,
                })
            });
            pending.extend(of_kind);
        }
        pending.sort_by(|a, b| a.key.cmp(&b.key));
        pending
    }

    /// Whether objects of a kind, told by uid and version, have all been seen as new as that or newer.
    pub(crate) fn has_seen(&self, resource: &Resource, objects: &[(String, String)]) -> bool {
        let queues = self.context().map(|context| context.queues());
        let mut queues = queues.into_iter().flatten();
        let Some(queue) = queues.find(|q| q.kind().resource.to_string() == resource.to_string())
        else {
            return false;
        };
        let known = queue.known().into_iter();
        let known: HashMap<_, _> = known.map(|known| (known.uid, known.version)).collect();
        objects.iter().all(|(uid, version)| {
            let seen = known.get(&**uid).copied().flatten();
            seen.is_some() && seen >= Version::parse(version)
        })
    }
}
