//! What waits for being written, and what was written before: what is repeated is counted.

use std::borrow::Cow;
use std::collections::HashMap;

use k8s_openapi::jiff::Timestamp;
use tokio::time::{Duration, Instant};

use super::event::Report;

/// What counts as the same event: the object, the handler, what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) uid: String,
    pub(super) handler: String,
    pub(super) reason: Cow<'static, str>,
}

/// An event to be written now.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) key: Key,
    pub(super) report: Report,
    /// How often it has happened.
    pub(super) count: u32,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// The name under which it was written before.
    pub(super) posted: Option<String>,
    /// Counts what was taken.
    pub(super) number: u64,
}

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Taken {
    Item(Box<Item>),
    /// Something is to be done then.
    Later(Instant),
    Nothing,
    /// Nothing, and nothing will come.
    End,
}

/// What waits, and what was written; both are bounded.
#[derive(Debug)]
pub(super) struct Pending {
    limit: usize,
    repeat_interval: Duration,
    entries: HashMap<Key, Entry>,
    waiting: usize,
    taken: u64,
    left_out: u64,
    is_closed: bool,
    /// Repetitions cannot be written.
    counts_no_more: bool,
    /// Nothing is taken in until then.
    paused_until: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    report: Report,
    count: u32,
    first: Timestamp,
    last: Timestamp,
    posted: Option<String>,
    /// When it was written last, or came.
    since: Instant,
    /// When it is to be written.
    due: Option<Instant>,
}

impl Pending {
    pub(super) fn new(limit: usize, repeat_interval: Duration) -> Self {
        Self {
            limit,
            repeat_interval,
            entries: HashMap::new(),
            waiting: 0,
            taken: 0,
            left_out: 0,
            is_closed: false,
            counts_no_more: false,
            paused_until: None,
        }
    }

    /// Takes a report in. Gives false if it is left out, as too many wait.
    pub(super) fn add(&mut self, report: Report, (now, seen): (Instant, Timestamp)) -> bool {
        if self.paused_until.is_some_and(|until| until > now) {
            return true;
        }
        let is_full = self.waiting >= self.limit;
        if let Some(entry) = self.entries.get_mut(&report.key) {
            if self.counts_no_more && entry.posted.is_some() {
                return true;
            }
            if entry.due.is_none() && is_full {
                self.left_out += 1;
                return false;
            }
            entry.report = report;
            entry.count = entry.count.saturating_add(1);
            entry.last = seen;
            if entry.due.is_none() {
                self.waiting += 1;
                let due = entry.since + self.repeat_interval;
                entry.due = Some(if entry.posted.is_some() { due } else { now });
            }
            return true;
        }
        if is_full {
            self.left_out += 1;
            return false;
        }
        self.waiting += 1;
        let entry = Entry {
            count: 1,
            first: seen,
            last: seen,
            posted: None,
            since: now,
            due: Some(now),
            report,
        };
        self.entries.insert(entry.report.key.clone(), entry);
        true
    }

    /// The event that is due first, if it is due now.
    pub(super) fn take(&mut self, now: Instant) -> Taken {
        let waiting = self.entries.iter_mut();
        let first = waiting
            .filter_map(|(key, entry)| entry.due.map(|due| (due, key, entry)))
            .min_by_key(|(due, ..)| *due);
        let Some((due, key, entry)) = first else {
            return if self.is_closed {
                Taken::End
            } else {
                Taken::Nothing
            };
        };
        if due > now && !self.is_closed {
            return Taken::Later(due);
        }
        entry.due = None;
        self.waiting -= 1;
        self.taken += 1;
        Taken::Item(Box::new(Item {
            key: key.clone(),
            report: entry.report.clone(),
            count: entry.count,
            first: entry.first,
            last: entry.last,
            posted: entry.posted.clone(),
            number: self.taken,
        }))
    }

    /// An event was written under this name. Of those that do not wait only the latest are remembered.
    pub(super) fn posted(&mut self, key: &Key, name: String, now: Instant) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.posted = Some(name);
            entry.since = now;
            // What came while it was being written is a repetition like others.
            entry.due = entry.due.map(|_| now + self.repeat_interval);
        }
        if self.entries.len() - self.waiting > self.limit {
            let at_rest = self.entries.iter().filter(|(_, entry)| entry.due.is_none());
            let oldest = at_rest.min_by_key(|(_, entry)| entry.since);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.entries.remove(&oldest);
            }
        }
    }

    /// An event could not be written: the next of its kind begins anew.
    pub(super) fn forget(&mut self, key: &Key) {
        let forgotten = self.entries.remove(key);
        if forgotten.is_some_and(|entry| entry.due.is_some()) {
            self.waiting -= 1;
        }
    }

    /// Drops everything, and takes nothing in for a while.
    pub(super) fn pause(&mut self, until: Instant) {
        self.entries.clear();
        self.waiting = 0;
        self.paused_until = Some(until);
    }

    /// Repetitions cannot be written: they are neither counted nor told.
    pub(super) fn count_no_more(&mut self) {
        self.counts_no_more = true;
        for entry in self.entries.values_mut() {
            if entry.posted.is_some() && entry.due.take().is_some() {
                self.waiting -= 1;
            }
        }
    }

    /// What waits is due now, and nothing comes any more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Reason;
    use crate::engine::posting::event::Verdict;
    use crate::object::Body;
    use crate::resource::Resource;
    use crate::storage::Record;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn seen() -> Timestamp {
        "2020-01-01T00:00:00Z".parse().unwrap()
    }

    fn report(uid: &str) -> Report {
        let body = Body::new(serde_json::json!({"metadata": {"name": "a", "uid": uid}}));
        let record = Record {
            message: Some("no".to_owned()),
            ..Record::new(Reason::Create, seen())
        };
        let verdict = Verdict::of(&record);
        let resource = Resource::default();
        Report::of((&resource, &body), "create", (verdict, &record)).unwrap()
    }

    fn taken(pending: &mut Pending, now: Instant) -> Option<Box<Item>> {
        match pending.take(now) {
            Taken::Item(item) => Some(item),
            Taken::Later(_) | Taken::Nothing | Taken::End => None,
        }
    }

    #[test]
    fn what_is_too_much_is_left_out_and_little_is_remembered() {
        let (mut pending, now) = (Pending::new(2, INTERVAL), Instant::now());
        let added: Vec<bool> = ["a", "b", "c"]
            .map(|uid| pending.add(report(uid), (now, seen())))
            .to_vec();
        assert_eq!((added, pending.left_out()), (vec![true, true, false], 1));
        // Repetitions of what waits need no room.
        assert!(pending.add(report("a"), (now, seen())));
        for i in 0..10 {
            pending.add(report(&i.to_string()), (now, seen()));
            while let Some(item) = taken(&mut pending, now) {
                pending.posted(&item.key, "e".to_owned(), now);
            }
        }
        assert_eq!((pending.entries.len(), pending.waiting), (2, 0));
    }

    #[test]
    fn repetitions_are_counted_and_told_in_intervals() {
        let (mut pending, now) = (Pending::new(9, INTERVAL), Instant::now());
        pending.add(report("a"), (now, seen()));
        let first = taken(&mut pending, now).unwrap();
        // While it is on its way, and after that.
        pending.add(report("a"), (now, seen()));
        pending.posted(&first.key, "e".to_owned(), now);
        pending.add(report("a"), (now, seen()));
        assert!(matches!(pending.take(now), Taken::Later(due) if due == now + INTERVAL));
        let repeated = taken(&mut pending, now + INTERVAL).unwrap();
        assert_eq!((repeated.count, repeated.posted.as_deref()), (3, Some("e")));
        pending.close();
        assert!(matches!(pending.take(now), Taken::End));
    }

    #[test]
    fn what_waits_is_due_at_the_end() {
        let (mut pending, now) = (Pending::new(9, INTERVAL), Instant::now());
        pending.add(report("a"), (now, seen()));
        let first = taken(&mut pending, now).unwrap();
        pending.posted(&first.key, "e".to_owned(), now);
        pending.add(report("a"), (now, seen()));
        assert!(taken(&mut pending, now).is_none());
        pending.close();
        assert_eq!(taken(&mut pending, now).unwrap().count, 2);
    }

    #[test]
    fn after_a_refusal_nothing_is_taken_in_for_a_while() {
        let (mut pending, now) = (Pending::new(9, INTERVAL), Instant::now());
        pending.add(report("a"), (now, seen()));
        pending.pause(now + INTERVAL);
        pending.add(report("b"), (now, seen()));
        assert!(matches!(pending.take(now), Taken::Nothing));
        pending.add(report("b"), (now + INTERVAL, seen()));
        assert!(taken(&mut pending, now + INTERVAL).is_some());
    }
}
