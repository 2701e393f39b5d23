//! What workers take of an object, and how they leave it.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use super::{Queue, Standing};
use crate::reactor::inbox::Inbox;
use crate::reactor::lanes::Lane;
use crate::reactor::memory::Memory;
use crate::reactor::worker::is_known;

impl Queue {
    /// Empties an object's inbox.
    pub(crate) fn take(&self, uid: &str) -> Inbox {
        self.objects()
            .get_mut(uid)
            .map(|entry| std::mem::take(&mut entry.inbox))
            .unwrap_or_default()
    }

    /// A worker has nothing to do at once. If something has come meanwhile, the object lines up anew.
    pub(crate) fn rest(self: &Arc<Self>, uid: &Arc<str>, memory: Memory, due: Option<Timestamp>) {
        let kind = self.kind();
        let mut objects = self.objects();
        let Some(entry) = objects.get_mut(uid) else {
            return;
        };
        if let (Some(metrics), Standing::Working(since)) = (&self.metrics, entry.standing) {
            metrics.worked.observe(since.elapsed());
        }
        entry.memory.give_back(memory);
        let due = entry.memory.due_with_indices(due);
        entry.standing = Standing::Resting;
        if entry.inbox.deleted.is_none() && is_known(&kind, &entry.memory, entry.inbox.version) {
            entry.inbox.drop_live();
        }
        if !entry.inbox.is_empty() {
            self.line_up(uid, entry, Lane::Live);
        } else if let Some(due) = due.filter(|_| !self.is_stopping()) {
            let at = Instant::now() + self.context.environment.clock.until(due);
            let due = self.context.lanes.sleep(at, self.ticket(uid));
            entry.standing = Standing::Sleeping(due);
        }
    }

    /// An object is gone for good.
    pub(crate) fn forget(&self, uid: &str) {
        self.context.related.forget(&self.kind(), uid);
        let entry = self.objects().remove(uid);
        if let Some(mut entry) = entry {
            entry.memory.is_gone();
            let mut names = self.names();
            // Another one of its name may be there already.
            if names.get(&entry.key).is_some_and(|named| **named == *uid) {
                names.remove(&entry.key);
            }
        }
    }
}
