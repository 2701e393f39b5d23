//! What a Lease says, and what a candidate does about it. Pure.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::Moment;

/// What a Lease says, as far as elections are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Empty if it was given back.
    pub(super) holder: String,
    pub(super) duration: Duration,
    /// When it was renewed, by the holder's clock: compared with itself only, never with ours.
    pub(super) renewed: String,
    pub(super) transitions: i64,
}

/// A Lease as it was seen last.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) object: Value,
    pub(super) record: Record,
    /// When it was first seen as it is, by our own clock.
    pub(super) since: Moment,
    /// Somebody has deleted it since: whoever held it may not know yet.
    pub(super) is_gone: bool,
}

/// What a candidate does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// There is none yet: create it.
    Create,
    /// It is free: take it.
    Take,
    /// It is ours: renew it.
    Renew,
    /// Somebody holds it; it may become free in so long.
    Wait(Duration),
}

impl Record {
    pub(super) fn of(lease: &Value) -> Self {
        let spec = &lease["spec"];
        let text = |field: &str| spec[field].as_str().unwrap_or_default().to_owned();
        let seconds = spec["leaseDurationSeconds"].as_u64().unwrap_or_default();
        Self {
            holder: text("holderIdentity"),
            duration: Duration::from_secs(seconds),
            renewed: text("renewTime"),
            transitions: spec["leaseTransitions"].as_i64().unwrap_or_default(),
        }
    }
}

impl Observed {
    /// Takes notice of a Lease as it is now. What has not changed was not renewed, whatever it says of
    /// the time: the clocks of others may be wrong.
    pub(super) fn see(before: Option<Self>, object: Value) -> Self {
        let record = Record::of(&object);
        match before.filter(|before| before.record == record) {
            Some(before) => Self {
                object,
                is_gone: false,
                ..before
            },
            None => Self {
                object,
                record,
                since: Moment::now(),
                is_gone: false,
            },
        }
    }

    /// Takes notice of its deletion. The holder's time is waited for all the same.
    pub(super) fn gone(self) -> Option<Self> {
        let is_held = !self.record.holder.is_empty();
        is_held.then(|| Self {
            object: blank(),
            is_gone: true,
            ..self
        })
    }
}

/// What to do about a Lease that `is_ours` or not. A name is no proof: another replica may have been
/// given the same.
pub(super) fn step(observed: Option<&Observed>, is_ours: bool) -> Step {
    let Some(observed) = observed else {
        return Step::Create;
    };
    let record = &observed.record;
    let left = record.duration.saturating_sub(observed.since.age());
    let is_free = record.holder.is_empty() || left.is_zero();
    match (is_ours, is_free, observed.is_gone) {
        (true, _, true) | (_, true, true) => Step::Create,
        (true, _, false) => Step::Renew,
        (false, true, false) => Step::Take,
        (false, false, _) => Step::Wait(left),
    }
}

fn blank() -> Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"})
}

/// The Lease after a step of ours.
pub(super) fn written(
    observed: Option<&Observed>,
    (step, identity): (&Step, &str),
    (duration, now): (Duration, Timestamp),
) -> Value {
    let now = micros(now);
    let mut lease = observed.map_or_else(blank, |observed| observed.object.clone());
    let spec = &mut lease["spec"];
    spec["holderIdentity"] = json!(identity);
    spec["leaseDurationSeconds"] = json!(duration.as_secs());
    spec["renewTime"] = json!(now);
    if *step != Step::Renew {
        let before = observed.map(|observed| observed.record.transitions);
        spec["acquireTime"] = json!(now);
        spec["leaseTransitions"] = json!(before.map_or(0, |before| before + 1));
    }
    lease
}

/// The Lease after it was given back: nobody has to wait for its end.
pub(super) fn released(observed: &Observed, now: Timestamp) -> Value {
    let mut lease = observed.object.clone();
    lease["spec"]["holderIdentity"] = json!("");
    lease["spec"]["leaseDurationSeconds"] = json!(1);
    lease["spec"]["renewTime"] = json!(micros(now));
    lease
}

/// A time as Leases have it.
fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn lease(holder: &str, renewed: &str) -> Value {
        json!({"metadata": {"name": "demo"}, "spec": {
            "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed, "leaseTransitions": 3,
        }})
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_free_when_it_was_not_seen_to_change_for_its_duration() {
        // Its times are of another century: they do not count.
        let mut seen = Observed::see(None, lease("a", "1999-01-01T00:00:00.000000Z"));
        sleep(Duration::from_secs(10)).await;
        assert!(
            matches!(step(Some(&seen), false), Step::Wait(left) if left <= Duration::from_secs(5))
        );
        seen = Observed::see(Some(seen), lease("a", "1999-01-01T00:00:00.000000Z"));
        assert!(
            matches!(step(Some(&seen), false), Step::Wait(left) if left <= Duration::from_secs(5))
        );
        seen = Observed::see(Some(seen), lease("a", "1999-01-01T00:00:02.000000Z"));
        assert!(
            matches!(step(Some(&seen), false), Step::Wait(left) if left > Duration::from_secs(14))
        );
        sleep(Duration::from_secs(15)).await;
        assert_eq!(step(Some(&seen), false), Step::Take);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_was_deleted_is_free_when_its_holder_has_noticed() {
        let seen = Observed::see(None, lease("a", "2020-01-01T00:00:00.000000Z"));
        let seen = seen.gone().unwrap();
        assert_eq!(step(Some(&seen), true), Step::Create);
        assert!(matches!(step(Some(&seen), false), Step::Wait(_)));
        sleep(Duration::from_secs(15)).await;
        assert_eq!(step(Some(&seen), false), Step::Create);
        let times = (Duration::from_secs(15), Timestamp::UNIX_EPOCH);
        let made = written(Some(&seen), (&Step::Create, "b"), times);
        assert_eq!(made["spec"]["leaseTransitions"], 4);
        assert!(made["metadata"].is_null());
        let free = Observed::see(None, lease("", "2020-01-01T00:00:00.000000Z"));
        assert!(free.gone().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_holds_is_taken_at_once() {
        assert_eq!(step(None, false), Step::Create);
        let seen = Observed::see(None, lease("", "2020-01-01T00:00:00.000000Z"));
        assert_eq!(step(Some(&seen), false), Step::Take);
        let seen = Observed::see(None, lease("a", "2020-01-01T00:00:00.000000Z"));
        assert_eq!(step(Some(&seen), true), Step::Renew);
    }

    #[test]
    fn a_step_changes_what_it_is_for_and_nothing_else() {
        let now: Timestamp = "2030-01-01T00:00:00.5Z".parse().unwrap();
        let times = (Duration::from_secs(20), now);
        let seen = Observed::see(None, lease("a", "2020-01-01T00:00:00.000000Z"));
        let taken = written(Some(&seen), (&Step::Take, "b"), times);
        assert_eq!(taken["metadata"]["name"], "demo");
        assert_eq!(taken["spec"]["holderIdentity"], "b");
        assert_eq!(taken["spec"]["leaseDurationSeconds"], 20);
        assert_eq!(taken["spec"]["leaseTransitions"], 4);
        assert_eq!(taken["spec"]["acquireTime"], "2030-01-01T00:00:00.500000Z");
        let seen = Observed::see(None, taken);
        let renewed = written(
            Some(&seen),
            (&Step::Renew, "b"),
            (times.0, now + Duration::from_secs(2)),
        );
        assert_eq!(renewed["spec"]["leaseTransitions"], 4);
        assert_eq!(
            renewed["spec"]["acquireTime"],
            "2030-01-01T00:00:00.500000Z"
        );
        assert_eq!(renewed["spec"]["renewTime"], "2030-01-01T00:00:02.500000Z");
        let free = Record::of(&released(&Observed::see(None, renewed), now));
        assert_eq!((free.holder.as_str(), free.duration.as_secs()), ("", 1));
    }
}
