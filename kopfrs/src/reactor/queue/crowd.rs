//! How many objects of a kind are handled at once: those beyond the limit wait for others to end.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::{Entry, Queue, Standing};
use crate::reactor::lanes::Lane;

/// Who is at work, and who waits for that.
#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    at_work: usize,
    live: VecDeque<Arc<str>>,
    /// What listings have found.
    found: VecDeque<(Lane, Arc<str>)>,
}

/// One who is at work; with its end the next one lines up.
#[derive(Debug)]
pub(super) struct Turn(Arc<Queue>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Queue {
    fn crowd(&self) -> MutexGuard<'_, State> {
        self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an object may be taken up now: then one more is at work. Else it waits, and its turn comes again.
    pub(super) fn may_begin(&self, uid: &Arc<str>, lane: Lane, entry: &mut Entry) -> bool {
        let limit = self.context.settings.queueing.worker_limit;
        let mut crowd = self.crowd();
        if limit.is_none_or(|limit| crowd.at_work < limit.max(1)) {
            crowd.at_work += 1;
            return true;
        }
        entry.standing = Standing::Ready(lane, Instant::now());
        match lane {
            Lane::Live => crowd.live.push_back(uid.clone()),
            Lane::Indexed | Lane::Listed => crowd.found.push_back((lane, uid.clone())),
        }
        if lane == Lane::Listed {
            self.backlog.fetch_add(1, Ordering::Relaxed);
        }
        false
    }

    /// One who may begin is at work until this is dropped.
    pub(super) fn turn(self: &Arc<Self>) -> Turn {
        Turn(self.clone())
    }

    /// Somebody has ended: the next one lines up that still waits.
    fn leave(self: &Arc<Self>) {
        let objects = self.objects();
        let mut crowd = self.crowd();
        crowd.at_work -= 1;
        loop {
            let live = crowd.live.pop_front().map(|uid| (Lane::Live, uid));
            let Some((lane, uid)) = live.or_else(|| crowd.found.pop_front()) else {
                return;
            };
            let waits =
                |entry: &Entry| matches!(entry.standing, Standing::Ready(at, _) if at == lane);
            if objects.get(&uid).is_some_and(waits) {
                self.context.lanes.enter(lane, self.ticket(&uid));
                return;
            }
            if lane == Lane::Listed {
                self.backlog.fetch_sub(1, Ordering::Relaxed);
                self.worked_off.notify_waiters();
            }
        }
    }
}
