//! The end of all work on a kind, for a time or for good.

use super::{Queue, Standing};
use crate::cause::DaemonStoppingReason;
use crate::reactor::indexing;
use crate::reactor::memory::Memory;

impl Queue {
    /// The operator is paused, and nobody works any more: what was unfinished is forgotten, and taken
    /// up from what is stored when everything is listed anew.
    pub(in crate::reactor) fn pause(&self) {
        for entry in self.objects().values_mut() {
            if let Standing::Sleeping(due) = entry.standing {
                self.context.lanes.wake(due);
            }
            entry.standing = Standing::Resting;
            entry.inbox.is_roused = false;
            entry.memory.pause();
        }
    }

    /// Ends all workers where they are, and waits for their end: the kind is not served any more.
    /// When it is served again, nobody else is at work on its objects. What goes along with these is told why.
    pub(crate) async fn end(&self, reason: DaemonStoppingReason) {
        {
            let _objects = self.objects();
            let _ = self.ended_for.set(reason);
            self.abandon.cancel();
        }
        self.workers.close();
        self.workers.wait().await;
        let kind = self.kind();
        for (uid, entry) in &mut *self.objects() {
            self.let_go(&mut entry.memory);
            indexing::forget(&self.context, &kind, uid);
        }
    }

    /// Lets go of an object because its kind is not served any more, if that is so.
    pub(super) fn let_go(&self, memory: &mut Memory) {
        if let (Some(daemons), Some(reason)) = (memory.daemons.take(), self.ended_for.get()) {
            daemons.stop(*reason);
        }
    }
}
