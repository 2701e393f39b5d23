//! What is known of an object that is reconciled: what the last call has seen, and when the next one is due.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::cause::Reason;
use crate::clock::after;
use crate::handler::Options;
use crate::reactor::memory::Next;
use crate::reconcile::{Action, Policy};
use crate::storage::{Record, Stored};

/// The pause after a first error, where the handler does not say.
const BACKOFF: Duration = Duration::from_secs(1);
/// No pause is longer, but where the handler says so.
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// What is known of an object that is reconciled.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// The digest of the essence that the last call has seen.
    pub(super) seen: String,
    /// The attempts of a handler that fails.
    pub(super) record: Option<Record>,
    /// When it is called though nothing happens.
    due: Option<Timestamp>,
    /// When the handler has asked to be called, whatever restarts there are.
    persisted: Option<Timestamp>,
    /// The handler that has asked for it was called before the start; none has succeeded since.
    is_restored: bool,
    /// How often in a row what was to be written could not be.
    unwritten: u32,
}

/// The pause after one more error in a row.
pub(super) fn backoff(options: &Options, errors: u32) -> Duration {
    let first = options.backoff.unwrap_or(BACKOFF);
    let pause = first.saturating_mul(2_u32.saturating_pow(errors));
    pause.min(MAX_BACKOFF.max(first))
}

impl Known {
    /// What is known of an object that was not looked at since the start.
    pub(super) fn restored(stored: &Stored, id: &str) -> Self {
        let record = stored.progress.get(id);
        let record = record.filter(|record| record.purpose == Some(Reason::Reconcile));
        Self {
            persisted: record.and_then(|record| record.delayed),
            is_restored: true,
            ..Self::default()
        }
    }

    /// Whether the handler is to be called for an object as it is now.
    pub(super) fn calls_for(&self, seen: &str, now: Timestamp) -> bool {
        self.seen != seen || self.due.is_some_and(|due| due <= now)
    }

    /// What is known after a call that has begun and ended then: what the handler has asked for, `None` if it has failed.
    pub(super) fn after(
        self,
        record: &Record,
        action: Option<&Action>,
        (policy, begun, now): (Policy, Timestamp, Timestamp),
    ) -> Self {
        let resync = policy.resync.map(|resync| after(now, resync));
        // A call that has begun before that time has not seen what it was asked for.
        let earlier = self.persisted.filter(|due| *due > begun);
        let Some(action) = action.filter(|_| record.success) else {
            return Self {
                record: Some(record.clone()).filter(|record| !record.is_finished()),
                due: soonest([record.delayed.or(resync), earlier]),
                persisted: earlier,
                ..self
            };
        };
        let asked = action.delay().map(|delay| after(now, delay));
        let kept = asked.filter(|_| matches!(action, Action::RequeuePersisted(_)));
        // The first call after a start is not the one that was asked for.
        let persisted = soonest([kept, earlier.filter(|_| self.is_restored)]);
        Self {
            record: None,
            due: soonest([asked, persisted, resync]),
            persisted,
            is_restored: false,
            ..self
        }
    }

    /// What was to be written after a call could not be: the handler is called again after a pause, which is none of its
    /// attempts. One that has failed itself is called again anyway.
    pub(super) fn fail(
        &mut self,
        before: &Self,
        (options, now): (&Options, Timestamp),
    ) -> Duration {
        let pause = backoff(options, before.unwritten);
        self.unwritten = before.unwritten + 1;
        self.is_restored = before.is_restored;
        if self.record.is_none() {
            self.due = Some(after(now, pause));
        }
        pause
    }

    /// All that was to be written has been.
    pub(super) fn is_written(&mut self) {
        self.unwritten = 0;
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Next {
        let is_unfinished = self.record.is_some() || self.unwritten > 0;
        match self.due {
            Some(due) if is_unfinished => Next::At(due),
            Some(due) => Next::Rest(due),
            None => Next::Idle,
        }
    }

    /// What is to be remembered on the object.
    pub(super) fn stored(&self, id: &str) -> Stored {
        let record = self.persisted.map(|due| Record {
            delayed: Some(due),
            // The same for the same time, or it would be written again and again.
            ..Record::new(Reason::Reconcile, due)
        });
        let progress = record.map(|record| (id.to_owned(), record));
        Stored {
            progress: progress.into_iter().collect(),
            ..Stored::default()
        }
    }
}

fn soonest<const N: usize>(times: [Option<Timestamp>; N]) -> Option<Timestamp> {
    times.into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn at(minutes: u64) -> Timestamp {
        let start: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
        after(start, Duration::from_mins(minutes))
    }

    fn succeeded() -> Record {
        Record {
            success: true,
            ..Record::new(Reason::Reconcile, at(0))
        }
    }

    fn policy(resync: Option<u64>) -> Policy {
        Policy {
            resync: resync.map(Duration::from_mins),
            ..Policy::default()
        }
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let pauses = |backoff: Option<u64>| {
            let options = Options {
                backoff: backoff.map(Duration::from_secs),
                ..Options::default()
            };
            [0, 1, 2, 8, 9, 100].map(|errors| super::backoff(&options, errors).as_secs())
        };
        assert_eq!(pauses(None), [1, 2, 4, 256, 300, 300]);
        assert_eq!(pauses(Some(10)), [10, 20, 40, 300, 300, 300]);
        assert_eq!(pauses(Some(600)), [600; 6]);
        assert_eq!(pauses(Some(0)), [0; 6]);
    }

    #[test]
    fn the_soonest_of_what_is_asked_for_and_the_resync_is_next() {
        for (action, resync, expected) in [
            (Action::Done, None, None),
            (Action::Done, Some(10), Some(10)),
            (Action::requeue(HOUR), Some(10), Some(10)),
            (Action::requeue(HOUR), None, Some(60)),
            (Action::requeue(Duration::from_mins(2)), Some(10), Some(2)),
        ] {
            let known =
                Known::default().after(&succeeded(), Some(&action), (policy(resync), at(0), at(0)));
            assert_eq!(known.due, expected.map(at), "{action:?} {resync:?}");
            assert_eq!(known.stored("x"), Stored::default());
        }
    }

    #[test]
    fn what_is_persisted_outlives_a_restart_and_is_done_once() {
        let asked = Action::requeue_persisted(HOUR);
        let known =
            Known::default().after(&succeeded(), Some(&asked), (policy(None), at(0), at(0)));
        let stored = known.stored("x");
        assert_eq!(known.due, Some(at(60)));
        let restart = |action, minutes| {
            let restored = Known::restored(&stored, "x");
            restored.after(
                &succeeded(),
                Some(&action),
                (policy(None), at(minutes), at(minutes)),
            )
        };
        // At the start every object is looked at; the time stays.
        for action in [Action::Done, asked, Action::requeue(2 * HOUR)] {
            let known = restart(action, 40);
            assert_eq!(known.due, Some(at(60)), "{action:?}");
            assert_eq!(known.stored("x"), stored);
            let known = known.after(
                &succeeded(),
                Some(&Action::Done),
                (policy(None), at(60), at(60)),
            );
            assert_eq!(known.due, None);
            assert_eq!(known.stored("x"), Stored::default());
        }
        assert_eq!(restart(Action::Done, 90).due, None);
        assert_eq!(Known::restored(&stored, "other").persisted, None);
        // What is returned later replaces it.
        let known = known.after(
            &succeeded(),
            Some(&Action::Done),
            (policy(None), at(5), at(5)),
        );
        assert_eq!(known.due, None);
    }

    #[test]
    fn a_failure_is_retried_and_forgets_nothing() {
        let asked = Action::requeue_persisted(HOUR);
        let known =
            Known::default().after(&succeeded(), Some(&asked), (policy(None), at(0), at(0)));
        let failing = Record {
            retries: 1,
            delayed: Some(at(2)),
            ..Record::new(Reason::Reconcile, at(1))
        };
        let known = known.after(&failing, None, (policy(Some(10)), at(1), at(1)));
        assert_eq!(
            (known.next(), known.persisted),
            (Next::At(at(2)), Some(at(60)))
        );
        let failed = Record {
            failure: true,
            delayed: None,
            ..failing
        };
        let known = known.after(&failed, None, (policy(Some(10)), at(2), at(2)));
        assert_eq!(known.next(), Next::Rest(at(12)));
        let known = known.after(&failed, None, (policy(None), at(2), at(2)));
        assert_eq!(known.next(), Next::Rest(at(60)));
    }
}
