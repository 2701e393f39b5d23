//! Objects that are looked at though nothing has happened to themselves.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::{Entry, Queue};
use crate::object::ObjectKey;
use crate::reactor::lanes::Lane;
use crate::reactor::related::Whom;

impl Queue {
    pub(super) fn names(&self) -> MutexGuard<'_, HashMap<ObjectKey, Arc<str>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an object looked at, though nothing has happened to itself. One that is not known needs not be
    /// woken: it will be looked at when it comes.
    pub(in crate::reactor) fn wake(self: &Arc<Self>, whom: &Whom) {
        let uid = match whom {
            Whom::Uid(uid) => uid.clone(),
            Whom::Controller { group, kind, uid } => {
                let resource = &self.kind().resource;
                if **group != *resource.group || **kind != *resource.kind {
                    return;
                }
                uid.clone()
            }
            Whom::Key(key) => {
                let namespace = key.namespace().filter(|_| self.kind().resource.namespaced);
                let key = ObjectKey::new(namespace, key.name());
                let Some(uid) = self.names().get(&key).cloned() else {
                    return;
                };
                uid
            }
        };
        let mut objects = self.objects();
        if let Some(entry) = objects.get_mut(&uid) {
            entry.inbox.is_woken = true;
            self.line_up_unless_doubtful(&uid, entry);
        }
    }

    /// Has an object looked at for the sake of what goes along with it.
    pub(in crate::reactor) fn rouse(self: &Arc<Self>, uid: &Arc<str>) {
        let mut objects = self.objects();
        if let Some(entry) = objects.get_mut(uid) {
            entry.inbox.is_roused = true;
            self.line_up_unless_doubtful(uid, entry);
        }
    }

    /// After a pause, what is in the inbox may be from before it: an object gets its turn when it has been listed anew.
    fn line_up_unless_doubtful(self: &Arc<Self>, uid: &Arc<str>, entry: &mut Entry) {
        if !entry.memory.is_doubtful {
            self.line_up(uid, entry, Lane::Live);
        }
    }

    /// How an object is called.
    pub(crate) fn key(&self, uid: &str) -> Option<ObjectKey> {
        self.objects().get(uid).map(|entry| entry.key.clone())
    }
}
