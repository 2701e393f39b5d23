//! What is known of an object between two looks at it. Small while nothing is going on.

use k8s_openapi::jiff::Timestamp;

use super::commit::Unsent;
use super::daemons::Attended;
use super::indexing::Unindexed;
use super::process::{Course, Known, Permit};
use super::snapshot::{Snapshot, Version};
use crate::action::Cycle;
use crate::cause::{Baseline, DaemonStoppingReason};
use crate::handler::Memos;
use crate::object::Change;

/// What is known of an object between two looks at it.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// It was found by a listing, and has not been handled completely since.
    pub(crate) is_initial: bool,
    /// Its deletion has been handled.
    pub(crate) is_deletion_handled: bool,
    /// The version that our last write led to.
    pub(crate) written: Option<Version>,
    /// What was handled last, where the API does not keep it.
    pub(crate) unkept: Option<Box<Baseline>>,
    /// How far the lifecycle has come of what the object stands for, if that is verified.
    pub(crate) course: Option<Box<Course>>,
    /// Values of the handlers'.
    pub(crate) memos: Option<Memos>,
    /// What goes along with it.
    pub(crate) daemons: Option<Box<Attended>>,
    /// What is known of it for reconciliation.
    pub(crate) reconciled: Option<Box<Known>>,
    /// It could not be indexed; nothing for most objects.
    pub(crate) unindexed: Option<Box<Unindexed>>,
    /// The operator was paused: the object is to be looked at though nothing seems to be new.
    pub(crate) is_doubtful: bool,
    /// What is going on; nothing for most objects most of the time.
    pub(crate) work: Option<Box<Work>>,
}

/// The state of an object that is being handled.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// The object as it was seen last.
    pub(crate) snapshot: Option<Snapshot>,
    /// How far handling has come.
    pub(crate) cycle: Option<Cycle>,
    /// That state is that of an own write, and not in the indices yet.
    pub(crate) is_unindexed: bool,
    /// Changes by event handlers, to be sent with the next patch.
    pub(crate) carried: Change,
    /// Changes that could not be sent.
    pub(crate) unsent: Option<Unsent>,
    /// Something has happened to an object that this one depends on, and was not handled yet.
    pub(crate) is_woken: bool,
    /// It has waited for a place among the calls of a handler, and has got one.
    pub(crate) permit: Permit,
    /// How often in a row the framework itself has failed.
    pub(crate) failures: u32,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    /// When something comes.
    Idle,
    /// At once: the object is not as it was.
    Now,
    /// At that time, or when something comes.
    At(Timestamp),
    /// The same, and nothing is going on until then: the object is read anew when its time has come.
    Rest(Timestamp),
}

impl Memory {
    pub(crate) fn new(is_initial: bool) -> Self {
        Self {
            is_initial,
            ..Self::default()
        }
    }

    pub(crate) fn work(&mut self) -> &mut Work {
        self.work.get_or_insert_default()
    }

    pub(crate) fn memos(&mut self) -> Memos {
        self.memos.get_or_insert_default().clone()
    }

    /// Takes the memory out for a worker. The values of handlers can still be found here; where somebody may ask for
    /// them meanwhile, the worker and whoever asks find the same ones.
    pub(super) fn lent(&mut self, may_be_asked: bool) -> Self {
        if may_be_asked {
            self.memos();
        }
        let memos = self.memos.clone();
        let left = Self {
            memos,
            ..Self::default()
        };
        std::mem::replace(self, left)
    }

    /// Puts the memory back that was lent to a worker. Values that were asked for meanwhile stay.
    pub(super) fn give_back(&mut self, lent: Self) {
        let left = self.memos.take();
        *self = lent;
        self.memos = self.memos.take().or(left);
        self.memos.take_if(|memos| memos.is_unused());
    }

    /// Whether nothing is kept of the object but what names it.
    pub(crate) fn is_at_rest(&self) -> bool {
        let work = self.work.as_ref();
        work.is_none_or(|work| work.snapshot.is_none() && work.failures == 0)
    }

    /// When an object is to be looked at of which nothing is known that could be looked at now.
    pub(super) fn resting(&self) -> Next {
        match (&self.reconciled, &self.course) {
            (Some(known), _) => known.next(),
            (None, Some(course)) => course.next(),
            (None, None) => Next::Idle,
        }
    }

    /// The object is gone, and what goes along with it is told so.
    pub(crate) fn is_gone(&mut self) {
        if let Some(daemons) = self.daemons.take() {
            daemons.stop(DaemonStoppingReason::RESOURCE_DELETED);
        }
    }

    /// An own write has led to this state.
    pub(crate) fn wrote(&mut self, snapshot: Snapshot) {
        self.written = snapshot.version().or(self.written);
        if let Some(daemons) = &self.daemons {
            daemons.show(&snapshot);
        }
        let work = self.work();
        work.snapshot = Some(snapshot);
        work.is_unindexed = true;
    }

    /// The operator is paused: whatever was going on may be finished by others meanwhile.
    pub(crate) fn pause(&mut self) {
        (self.work, self.course, self.reconciled) = (None, None, None);
        self.is_doubtful = true;
    }

    /// Forgets what is only needed while something is going on. That an object does not fit the types
    /// of a handler is kept, or it would be tried at each event.
    pub(crate) fn rest(&mut self) {
        let is_kept = |cycle: &Cycle| cycle.has_misfits();
        let cycle = self.work.take().and_then(|work| work.cycle).filter(is_kept);
        self.work = cycle.map(|cycle| {
            Box::new(Work {
                cycle: Some(cycle),
                ..Work::default()
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_asked_for_while_a_worker_has_the_memory_are_the_same_for_both() {
        let mut memory = Memory::new(false);
        let mut lent = memory.lent(true);
        let asked = memory.memos().get_or_default::<String>();
        assert!(std::sync::Arc::ptr_eq(
            &asked,
            &lent.memos().get_or_default::<String>()
        ));
        memory.give_back(lent);
        assert!(memory.memos().get::<String>().is_some());
    }

    #[test]
    fn an_object_without_values_keeps_none() {
        for may_be_asked in [false, true] {
            let mut memory = Memory::new(false);
            let mut lent = memory.lent(may_be_asked);
            drop(lent.memos());
            lent.rest();
            memory.give_back(lent);
            assert!(memory.memos.is_none());
        }
    }
}
