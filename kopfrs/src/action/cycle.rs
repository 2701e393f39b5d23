//! How far the handlers of one object have come with what has happened to it.
//!
//! Pure: a cycle begins when something has happened, is aligned at each look at the object with the
//! handlers that are concerned, and ends when all of them are finished. It is kept in memory; what
//! is stored on the object is a copy for the time after a crash.

mod below;

use std::collections::HashMap;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::cause::{Baseline, Reason};
use crate::object::digest;
use crate::storage::{Progress, Record, Stored};

/// The handling of one change of one object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cycle {
    reason: Option<Reason>,
    records: Progress,
    /// The essence that the handling began with.
    begun: Option<Baseline>,
    /// The essence with which a handler has finished: the old state for its next call, should the
    /// object change while others are still at work.
    seen: HashMap<String, Arc<Value>>,
}

/// What to do with one handler now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Turn {
    /// Call it.
    Now(Record),
    /// Call it at that time.
    At(Timestamp),
    /// It is finished with this essence.
    Done,
}

impl Cycle {
    /// Goes on from what is stored on the object.
    pub(crate) fn resume(stored: &Stored) -> Self {
        let records = stored.progress.clone();
        let reason = records.values().find_map(|record| record.purpose);
        Self {
            reason,
            records,
            begun: stored.begun.clone(),
            seen: HashMap::new(),
        }
    }

    /// The records to be stored.
    pub(crate) fn stored(&self) -> Progress {
        let kept = self.records.iter().filter(|(_, record)| !record.is_misfit);
        kept.map(|(id, record)| (id.clone(), record.clone()))
            .collect()
    }

    /// Whether a handler could not be called because the object does not fit its types.
    pub(crate) fn has_misfits(&self) -> bool {
        self.records.values().any(|record| record.is_misfit)
    }

    /// How many handlers have finished well, and how many have failed for good.
    pub(crate) fn tally(&self) -> (usize, usize) {
        let count = |failure| {
            self.records
                .values()
                .filter(|r| r.is_finished() && r.failure == failure)
                .count()
        };
        (count(false), count(true))
    }

    /// How many attempts were made by all handlers.
    pub(crate) fn attempts(&self) -> u32 {
        let retries = self.records.values().map(|record| record.retries);
        retries.fold(0, u32::saturating_add)
    }

    /// What the handling is for.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// The essence that counts as handled when all handlers have finished: that which all of them have
    /// seen. Of an update it is the newest, as finished handlers are called again for what comes
    /// later; otherwise it is the one that the handling began with, and what has changed since is an
    /// update afterwards.
    pub(crate) fn handled(&self, newest: &Arc<Value>) -> Baseline {
        match (self.reason, &self.begun) {
            (Some(Reason::Create | Reason::Resume), Some(begun)) => begun.clone(),
            _ => Baseline::Essence(newest.clone()),
        }
    }

    /// What a creation began with, to be stored while it is unfinished.
    pub(crate) fn begun(&self) -> Option<Baseline> {
        self.begun
            .clone()
            .filter(|_| self.reason == Some(Reason::Create))
    }

    /// The essence with which a handler has finished in this cycle.
    pub(crate) fn seen(&self, id: &str) -> Option<&Arc<Value>> {
        self.seen.get(id)
    }

    /// Takes notice of what has happened, and of the handlers that are concerned. Those that are not
    /// concerned any more are dropped, among them those that the code no longer has.
    pub(crate) fn align(&mut self, reason: Reason, concerned: &[&str], essence: &Arc<Value>) {
        let is_superseded = self.reason.is_some_and(|earlier| earlier != reason);
        // Nobody has seen what nobody could be called with.
        let is_unseen = self.records.values().all(|record| record.is_misfit);
        if is_superseded || self.begun.is_none() || is_unseen {
            self.begun = Some(Baseline::Essence(essence.clone()));
        }
        let is_over = |record: &Record| is_superseded && is_void(record, reason);
        let living = self.records.iter().filter(|(_, record)| !is_over(record));
        let topmost = living.filter(|(id, _)| concerned.contains(&&***id));
        let kept = self.with_below(topmost.map(|(id, _)| id));
        self.records
            .retain(|id, record| kept.contains(id) && !is_over(record));
        self.seen.retain(|id, _| self.records.contains_key(id));
        for record in self.records.values_mut() {
            record.purpose = Some(reason);
        }
        self.reason = Some(reason);
    }

    /// Whether an update handler has finished with another essence than the present one: it must hear
    /// of that, even if the object is now as it was handled last.
    pub(crate) fn is_outdated(&self, essence: &Value) -> bool {
        self.reason == Some(Reason::Update)
            && self
                .records
                .values()
                .any(|record| record.is_finished() && self.is_past(record, essence))
    }

    /// Whether this handler has finished with another essence, and it is not known any more with which.
    pub(crate) fn has_forgotten(&self, id: &str, essence: &Value) -> bool {
        let record = self.records.get(id).filter(|record| record.is_finished());
        !self.seen.contains_key(id) && record.is_some_and(|record| self.is_past(record, essence))
    }

    /// Whether a handler is to be called for the present essence, and when. One that is called once
    /// in a process is not called again for what comes later.
    pub(crate) fn turn(&self, id: &str, is_once: bool, essence: &Value, now: Timestamp) -> Turn {
        let fresh = || Record::new(self.reason.unwrap_or(Reason::Create), now);
        match self.records.get(id) {
            None => Turn::Now(fresh()),
            Some(record) if record.is_finished() => {
                if self.is_past(record, essence) && (!is_once || record.is_misfit) {
                    Turn::Now(fresh())
                } else {
                    Turn::Done
                }
            }
            Some(record) => match record.delayed {
                Some(due) if due > now => Turn::At(due),
                _ => Turn::Now(record.clone()),
            },
        }
    }

    /// An update handler that has finished is called again if the object has changed since, and so is
    /// any whose types the object did not fit.
    fn is_past(&self, record: &Record, essence: &Value) -> bool {
        (self.reason == Some(Reason::Update) || record.is_misfit)
            && record
                .seen
                .as_ref()
                .is_some_and(|seen| *seen != digest(essence))
    }

    /// Notes what an attempt has led to.
    pub(crate) fn record(&mut self, id: &str, mut record: Record, essence: &Arc<Value>) {
        if record.is_finished() {
            record.seen = Some(digest(essence));
            self.seen.insert(id.to_owned(), essence.clone());
        }
        // Those of its sub-handlers are told apart from others by nothing else.
        if let Some(earlier) = self.records.get_mut(id) {
            record.subrefs = std::mem::take(&mut earlier.subrefs);
        }
        self.records.insert(id.to_owned(), record);
    }

    /// Whether anything must survive a crash: a handler has failed, waits, or has finished while
    /// others have not.
    pub(crate) fn is_worth_storing(&self) -> bool {
        self.records
            .values()
            .any(|record| record.retries > 0 && !record.is_misfit)
    }

    /// Forgets that handlers have finished: what they wanted could not be applied.
    pub(crate) fn reopen(&mut self) {
        self.records.retain(|_, record| !record.is_finished());
        self.seen.clear();
        self.begun = None;
    }
}

/// Whether a record means nothing for another reason: a handler that finished with an update must
/// still be called for the deletion. Resuming handlers go on when an update comes.
fn is_void(record: &Record, reason: Reason) -> bool {
    match (record.purpose, reason) {
        (Some(Reason::Resume), Reason::Update) => false,
        (_, Reason::Delete) => true,
        _ => record.is_finished(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2020-01-01T00:00:00Z".parse().unwrap()
    }

    fn later() -> Timestamp {
        "2020-01-01T00:01:00Z".parse().unwrap()
    }

    fn finished() -> Record {
        Record {
            success: true,
            retries: 1,
            ..Record::new(Reason::Update, now())
        }
    }

    fn waiting() -> Record {
        Record {
            delayed: Some(later()),
            retries: 1,
            ..Record::new(Reason::Update, now())
        }
    }

    fn essence(n: u32) -> Arc<Value> {
        Arc::new(json!({"spec": n}))
    }

    #[test]
    fn handlers_are_called_until_they_finish() {
        let mut cycle = Cycle::default();
        cycle.align(Reason::Create, &["a", "b"], &essence(1));
        assert!(
            matches!(cycle.turn("a", false, &essence(1), now()), Turn::Now(r) if r.retries == 0)
        );
        cycle.record("a", finished(), &essence(1));
        assert_eq!(cycle.turn("a", false, &essence(1), now()), Turn::Done);
        cycle.record("b", waiting(), &essence(1));
        assert_eq!(
            cycle.turn("b", false, &essence(1), now()),
            Turn::At(later())
        );
        assert!(
            matches!(cycle.turn("b", false, &essence(1), later()), Turn::Now(r) if r.retries == 1)
        );
    }

    #[test]
    fn a_change_during_an_update_calls_finished_handlers_again() {
        let mut cycle = Cycle::default();
        cycle.align(Reason::Update, &["a", "b"], &essence(1));
        cycle.record("a", finished(), &essence(1));
        assert_eq!(cycle.turn("a", false, &essence(1), now()), Turn::Done);
        assert!(
            matches!(cycle.turn("a", false, &essence(2), now()), Turn::Now(r) if r.retries == 0)
        );
        assert_eq!(cycle.seen("a"), Some(&essence(1)));
        let resumed = Cycle::resume(&Stored {
            progress: cycle.stored(),
            ..Stored::default()
        });
        assert_eq!(resumed.turn("a", false, &essence(1), now()), Turn::Done);
        assert!(matches!(
            resumed.turn("a", false, &essence(2), now()),
            Turn::Now(_)
        ));
    }

    #[test]
    fn a_change_during_a_creation_is_left_to_the_update_after_it() {
        let mut cycle = Cycle::default();
        cycle.align(Reason::Create, &["a"], &essence(1));
        cycle.record("a", finished(), &essence(1));
        assert_eq!(cycle.turn("a", false, &essence(2), now()), Turn::Done);
        assert_eq!(cycle.handled(&essence(2)), Baseline::Essence(essence(1)));
    }

    #[test]
    fn another_reason_supersedes_what_is_unfinished() {
        let mut cycle = Cycle::default();
        cycle.align(Reason::Update, &["done", "waits", "gone"], &essence(1));
        for (id, record) in [
            ("done", finished()),
            ("waits", waiting()),
            ("gone", waiting()),
        ] {
            cycle.record(id, record, &essence(1));
        }
        cycle.align(Reason::Delete, &["done", "waits", "new"], &essence(1));
        assert!(cycle.stored().is_empty());

        let mut resuming = Cycle::default();
        resuming.align(Reason::Resume, &["r1", "r2"], &essence(1));
        let resumed = |record| Record {
            purpose: Some(Reason::Resume),
            ..record
        };
        resuming.record("r1", resumed(finished()), &essence(1));
        resuming.record("r2", resumed(waiting()), &essence(1));
        resuming.align(Reason::Update, &["r1", "r2", "u1"], &essence(1));
        assert_eq!(resuming.stored().len(), 2);
        assert_eq!(
            resuming.turn("r2", false, &essence(2), now()),
            Turn::At(later())
        );
    }
}
