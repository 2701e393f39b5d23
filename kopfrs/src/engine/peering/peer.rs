//! What peers say of themselves, and what follows from it. Pure.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// One operator, as it has entered itself into a peering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) identity: String,
    pub(crate) priority: i64,
    pub(crate) lifetime: Duration,
    pub(crate) lastseen: Timestamp,
    /// What whoever entered it has to say.
    pub(crate) message: Option<String>,
}

/// What follows from the entries of a peering.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Those that have not been heard of for their lifetime.
    pub(super) dead: Vec<String>,
    /// Those of a higher priority.
    pub(super) higher: Vec<Peer>,
    /// Others of the same priority.
    pub(super) equal: Vec<Peer>,
}

impl Peer {
    /// An entry; what is not there has Kopf's defaults. `None` if it cannot be understood.
    fn of(identity: &str, entry: &Value, now: Timestamp) -> Option<Self> {
        let entry = entry.as_object()?;
        let lifetime = match entry.get("lifetime") {
            None | Some(Value::Null) => 60.0,
            Some(lifetime) => number(lifetime)?,
        };
        let priority = match entry.get("priority") {
            None | Some(Value::Null) => 0.0,
            Some(priority) => number(priority)?,
        };
        let lastseen = match entry.get("lastseen") {
            None | Some(Value::Null) => now,
            Some(lastseen) => time(lastseen.as_str()?)?,
        };
        #[expect(clippy::cast_possible_truncation, reason = "priorities are small")]
        Some(Self {
            identity: identity.to_owned(),
            priority: priority as i64,
            lifetime: Duration::try_from_secs_f64(lifetime.max(0.0)).ok()?,
            lastseen,
            message: entry
                .get("message")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }

    /// From when on it is taken for dead.
    pub(super) fn deadline(&self) -> Timestamp {
        let lifetime = SignedDuration::try_from(self.lifetime).unwrap_or(SignedDuration::MAX);
        self.lastseen
            .saturating_add(lifetime)
            .unwrap_or(Timestamp::MAX)
    }

    /// Its entry, as Kopf reads it.
    pub(super) fn entry(&self) -> Value {
        let lastseen = self.lastseen.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00");
        let mut entry = json!({
            "priority": self.priority,
            "lifetime": self.lifetime.as_secs(),
            "lastseen": lastseen.to_string(),
        });
        if let Some(message) = &self.message {
            entry["message"] = json!(message);
        }
        entry
    }
}

impl Verdict {
    /// What follows for an operator of this identity and priority.
    pub(super) fn of(
        entries: &Map<String, Value>,
        (identity, priority): (&str, i64),
        now: Timestamp,
    ) -> Self {
        let mut verdict = Self::default();
        for (name, entry) in entries {
            let Some(peer) = Peer::of(name, entry, now) else {
                continue;
            };
            if name == identity {
                continue;
            }
            if peer.deadline() <= now {
                verdict.dead.push(peer.identity);
            } else if peer.priority > priority {
                verdict.higher.push(peer);
            } else if peer.priority == priority {
                verdict.equal.push(peer);
            }
        }
        verdict
    }

    /// Those who keep the operator from its work.
    pub(super) fn blockers(&self) -> impl Iterator<Item = &Peer> {
        self.higher.iter().chain(&self.equal)
    }

    /// Why the operator is to be paused, if it is.
    pub(super) fn reason(&self) -> Option<String> {
        let names = |peers: &[Peer]| {
            let names = peers.iter().map(|peer| {
                let name = format!("{} (priority {})", peer.identity, peer.priority);
                match &peer.message {
                    Some(message) => format!("{name}: {message}"),
                    None => name,
                }
            });
            names.collect::<Vec<_>>().join(", ")
        };
        if !self.higher.is_empty() {
            return Some(format!("in favour of {}", names(&self.higher)));
        }
        (!self.equal.is_empty()).then(|| format!("of the same priority as {}", names(&self.equal)))
    }
}

fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// A time as ISO 8601 has it; without a zone it is UTC.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2030-01-01T00:10:00Z".parse().unwrap()
    }

    fn verdict(entries: &Value) -> (Vec<String>, Option<String>) {
        let verdict = Verdict::of(entries.as_object().unwrap(), ("me", 10), now());
        (verdict.dead.clone(), verdict.reason())
    }

    fn entry(priority: i64, lastseen: &str) -> Value {
        json!({"priority": priority, "lifetime": 60, "lastseen": lastseen})
    }

    #[test]
    fn priorities_decide_among_those_that_are_alive() {
        let fresh = "2030-01-01T00:09:30.123456+00:00";
        let old = "2030-01-01T00:08:59.999999+00:00";
        let none: (Vec<String>, Option<String>) = (vec![], None);
        let dead = |name: &str| (vec![name.to_owned()], None);
        let paused = |why: &str| (vec![], Some(why.to_owned()));
        for (entries, expected) in [
            (json!({}), none.clone()),
            (json!({"me": entry(99, fresh)}), none.clone()),
            (json!({"a": entry(9, fresh)}), none.clone()),
            (json!({"a": entry(11, old)}), dead("a")),
            (json!({"me": entry(10, old)}), none.clone()),
            (
                json!({"a": entry(11, fresh)}),
                paused("in favour of a (priority 11)"),
            ),
            (
                json!({"a": entry(10, fresh)}),
                paused("of the same priority as a (priority 10)"),
            ),
            (
                json!({"a": entry(10, fresh), "b": entry(666, fresh)}),
                paused("in favour of b (priority 666)"),
            ),
            // As it is when somebody has written it by hand.
            (
                json!({"a": {"priority": 100}}),
                paused("in favour of a (priority 100)"),
            ),
            (
                json!({"a": entry(11, "2030-01-01T00:09:30")}),
                paused("in favour of a (priority 11)"),
            ),
            (
                json!({"a": entry(11, "yesterday"), "b": 5, "c": null}),
                none,
            ),
        ] {
            assert_eq!(verdict(&entries), expected, "{entries}");
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let peer = Peer {
            identity: "a".into(),
            priority: -3,
            lifetime: Duration::from_secs(90),
            lastseen: "2030-01-01T00:09:30.5Z".parse().unwrap(),
            message: Some("later".into()),
        };
        assert_eq!(peer.entry()["lastseen"], "2030-01-01T00:09:30.500000+00:00");
        assert_eq!(Peer::of("a", &peer.entry(), now()), Some(peer));
    }
}
