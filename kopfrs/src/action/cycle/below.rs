//! The records of sub-handlers, which live and go with those of the handlers that register them.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::Cycle;
use crate::storage::Record;

impl Cycle {
    /// Notes what an attempt of a handler has led to that may have sub-handlers: `registered` are
    /// those of this attempt. When it is finished, those of earlier ones are forgotten.
    pub(crate) fn conclude(
        &mut self,
        id: &str,
        mut record: Record,
        registered: &[String],
        essence: &Arc<Value>,
    ) {
        let is_finished = record.is_finished();
        let is_misfit = |id: &String| self.records.get(id).is_some_and(|r| r.is_misfit);
        // Whoever registers what cannot be called has to do so again when the object changes.
        record.is_misfit |= is_finished && registered.iter().any(is_misfit);
        self.record(id, record, essence);
        if is_finished {
            self.keep_below(id, registered);
        }
    }

    /// Notes that a handler is one of the sub-handlers of others, from the topmost down: their records,
    /// which are these if there are none yet, name it.
    pub(crate) fn link<'a>(
        &mut self,
        above: impl Iterator<Item = (&'a str, &'a Record)>,
        id: &str,
    ) {
        for (other, record) in above {
            let record = self
                .records
                .entry(other.to_owned())
                .or_insert_with(|| record.clone());
            if let Err(place) = record.subrefs.binary_search_by(|known| (**known).cmp(id)) {
                record.subrefs.insert(place, id.to_owned());
            }
        }
    }

    /// Whether a sub-handler of this handler has finished with another essence than the present one.
    pub(crate) fn is_outdated_below(&self, id: &str, essence: &Value) -> bool {
        let below = self.records.get(id).into_iter().flat_map(|r| &r.subrefs);
        let mut records = below.filter_map(|id| self.records.get(id));
        records.any(|record| record.is_finished() && self.is_past(record, essence))
    }

    /// What was wrong with a handler that has failed for good.
    pub(crate) fn failure(&self, id: &str) -> Option<String> {
        let record = self.records.get(id).filter(|record| record.failure)?;
        Some(record.message.clone().unwrap_or_default())
    }

    /// These handlers, and all sub-handlers of theirs.
    pub(super) fn with_below<'a>(&self, ids: impl Iterator<Item = &'a String>) -> HashSet<String> {
        let mut all = HashSet::new();
        for id in ids {
            all.insert(id.clone());
            all.extend(
                self.records
                    .get(id)
                    .into_iter()
                    .flat_map(|r| r.subrefs.clone()),
            );
        }
        all
    }

    /// Forgets the sub-handlers of a handler that are not registered any more.
    fn keep_below(&mut self, id: &str, registered: &[String]) {
        let Some(record) = self.records.get(id).filter(|r| !r.subrefs.is_empty()) else {
            return;
        };
        let kept = self.with_below(registered.iter());
        let mut gone: HashSet<String> = record.subrefs.iter().cloned().collect();
        gone.retain(|id| !kept.contains(id));
        if gone.is_empty() {
            return;
        }
        self.records.retain(|id, _| !gone.contains(id));
        self.seen.retain(|id, _| !gone.contains(id));
        for record in self.records.values_mut() {
            record.subrefs.retain(|id| !gone.contains(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::action::Turn;
    use crate::cause::Reason;

    fn now() -> Timestamp {
        "2020-01-01T00:00:00Z".parse().unwrap()
    }

    fn fresh() -> Record {
        Record::new(Reason::Update, now())
    }

    fn finished() -> Record {
        Record {
            success: true,
            retries: 1,
            ..fresh()
        }
    }

    /// A cycle in which `p` waits for `p/x`, which is finished, and for `p/x/y`.
    fn cycle(essence: &Arc<Value>) -> Cycle {
        let mut cycle = Cycle::default();
        cycle.align(Reason::Update, &["p", "z"], essence);
        let (p, x) = (fresh(), fresh());
        cycle.link([("p", &p), ("p/x", &x)].into_iter(), "p/x/y");
        cycle.record("p/x/y", fresh(), essence);
        cycle.link([("p", &p)].into_iter(), "p/x");
        cycle.record("p/x", finished(), essence);
        cycle
    }

    fn ids(cycle: &Cycle) -> Vec<&String> {
        cycle.records.keys().collect()
    }

    #[test]
    fn records_below_live_as_long_as_those_above() {
        let essence = Arc::new(json!({"spec": 1}));
        let mut cycle = cycle(&essence);
        assert_eq!(cycle.records["p"].subrefs, ["p/x", "p/x/y"]);
        assert_eq!(cycle.records["p/x"].subrefs, ["p/x/y"]);
        cycle.align(Reason::Update, &["p"], &essence);
        assert_eq!(ids(&cycle), ["p", "p/x", "p/x/y"]);
        assert_eq!(cycle.turn("p/x", false, &essence, now()), Turn::Done);
        cycle.align(Reason::Update, &["z"], &essence);
        assert!(ids(&cycle).is_empty());
    }

    #[test]
    fn another_reason_ends_them_with_those_above() {
        let essence = Arc::new(json!({"spec": 1}));
        let mut cycle = cycle(&essence);
        cycle.align(Reason::Delete, &["p"], &essence);
        assert!(ids(&cycle).is_empty(), "they were about the update");
    }

    #[test]
    fn those_that_are_not_registered_any_more_are_forgotten_in_the_end() {
        let essence = Arc::new(json!({"spec": 1}));
        let mut cycle = cycle(&essence);
        let registered = ["p/w".to_owned()];
        cycle.link([("p", &fresh())].into_iter(), "p/w");
        cycle.record("p/w", finished(), &essence);
        cycle.conclude("p", fresh(), &registered, &essence);
        assert_eq!(ids(&cycle), ["p", "p/w", "p/x", "p/x/y"], "it goes on");
        cycle.conclude("p", finished(), &registered, &essence);
        assert_eq!(ids(&cycle), ["p", "p/w"]);
        assert_eq!(cycle.records["p"].subrefs, ["p/w"]);
    }

    #[test]
    fn what_they_have_seen_is_told_from_what_is_there() {
        let (old, new) = (Arc::new(json!({"spec": 1})), json!({"spec": 2}));
        let cycle = cycle(&old);
        assert!(!cycle.is_outdated_below("p", &old));
        assert!(cycle.is_outdated_below("p", &new));
        assert!(!cycle.is_outdated_below("p/x", &new), "that waits");
    }

    #[test]
    fn an_object_that_does_not_fit_a_sub_handler_does_not_fit_those_above() {
        let essence = Arc::new(json!({"spec": 1}));
        let mut cycle = cycle(&essence);
        let misfit = Record {
            is_misfit: true,
            failure: true,
            ..fresh()
        };
        cycle.record("p/x", misfit, &essence);
        cycle.conclude("p", finished(), &["p/x".to_owned()], &essence);
        let changed = json!({"spec": 2});
        assert!(matches!(
            cycle.turn("p", false, &changed, now()),
            Turn::Now(_)
        ));
    }
}
