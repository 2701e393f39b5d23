//! What is known of a lifecycle between two looks at its object.

use k8s_openapi::jiff::Timestamp;

use super::shown::Shown;
use crate::cause::{Baseline, Reason};
use crate::object::digest;
use crate::reactor::memory::Next;
use crate::reactor::snapshot::Snapshot;
use crate::storage::{Progress, Record};

/// What is known of a lifecycle between two looks at its object.
#[derive(Debug)]
pub(crate) struct Course {
    /// The essence that was looked at last.
    seen: Option<Baseline>,
    /// Whether the object was to go then.
    was_deleting: bool,
    /// A deletion is under way that a delete handler has begun.
    pub(super) is_going: bool,
    /// The object may go, as far as the thing that it stands for is concerned.
    pub(super) is_over: bool,
    /// Something was begun that has not come to its end.
    pub(super) is_unfinished: bool,
    /// When there is something to do though nothing happens.
    pub(super) due: Option<Timestamp>,
    /// Nothing is going on until then: it is only looked at whether all is as it was.
    pub(super) is_resting: bool,
    /// What was to be shown when it could not be written.
    pub(super) unwritten: Option<Shown>,
    /// The attempts of handlers that have failed so far, and that of the complete handler that has not.
    pub(super) records: Progress,
}

impl Course {
    /// Goes on from what is stored on an object that is seen for the first time.
    pub(super) fn resume(snapshot: &Snapshot) -> Self {
        let stored = &snapshot.found.stored;
        Self {
            seen: stored.baseline.clone(),
            was_deleting: false,
            is_going: false,
            is_over: false,
            is_unfinished: false,
            due: None,
            is_resting: false,
            unwritten: None,
            records: stored.progress.clone(),
        }
    }

    /// Whether the object differs from what was looked at last.
    pub(super) fn is_changed(&self, essence: &serde_json::Value, is_deleting: bool) -> bool {
        let is_same = self.seen.as_ref().is_some_and(|seen| seen.is(essence));
        !is_same || is_deleting != self.was_deleting
    }

    /// A look begins. What has failed before with another object is tried anew with this one.
    pub(super) fn begin(&mut self, essence: &serde_json::Value, is_deleting: bool) {
        if self.is_changed(essence, is_deleting) {
            self.records.retain(|_, record| record.success);
        }
        self.seen = Some(Baseline::Digest(digest(essence)));
        self.was_deleting = is_deleting;
        self.is_unfinished = true;
        (self.due, self.is_resting) = (None, false);
    }

    /// What was looked at last, as it is stored.
    pub(super) fn seen(&self) -> Option<Baseline> {
        self.seen.clone()
    }

    /// The next attempt of a handler: the first one, or after those that have failed.
    pub(super) fn record(&self, id: &str, reason: Reason, now: Timestamp) -> Record {
        let known = self.records.get(id).filter(|record| !record.is_finished());
        known.cloned().unwrap_or_else(|| Record::new(reason, now))
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Next {
        match self.due {
            Some(due) if self.is_resting => Next::Rest(due),
            Some(due) => Next::At(due),
            None => Next::Idle,
        }
    }

    /// The earliest time at which a handler wants to be tried again.
    pub(super) fn next_attempt(&self) -> Option<Timestamp> {
        self.records
            .values()
            .filter_map(|record| record.delayed)
            .min()
    }
}
