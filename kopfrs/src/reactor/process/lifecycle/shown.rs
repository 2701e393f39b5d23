//! What an object shows of its lifecycle: in its status where the schema keeps it, in annotations where not.

use serde_json::{Map, Value, json};

use crate::lifecycle::Phase;
use crate::object::conditions::{self, Condition};
use crate::object::{Body, FieldPath, essence::MARKER, merge};
use crate::reactor::kind::Kind;
use crate::storage::Place;

/// The annotation with the spec that was applied last, less its secrets.
const LAST_APPLIED: &str = "last-applied-spec";

/// What an object shows of its lifecycle, or is to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shown {
    /// `None` before the first look.
    pub(super) phase: Option<Phase>,
    pub(super) message: Option<String>,
    pub(super) payload: Option<Value>,
    /// The generation that was looked at.
    pub(super) generation: Option<i64>,
    /// `None` if nothing was applied, or if that has failed.
    pub(super) last_applied: Option<Value>,
}

/// One fact, and where it is shown.
struct Fact {
    field: &'static str,
    annotation: &'static str,
    is_in_status: bool,
}

impl Fact {
    fn all(kind: &Kind) -> [Self; 5] {
        let kept = kind.status;
        let fact = |field, annotation, is_in_status| Self {
            field,
            annotation,
            is_in_status: is_in_status && kind.has_status(),
        };
        [
            fact("phase", "phase", kept.phase),
            fact("message", "message", kept.message),
            fact("payload", "payload", kept.payload),
            fact(
                "observedGeneration",
                "observed-generation",
                kept.observed_generation,
            ),
            fact("conditions", "conditions", kept.conditions),
        ]
    }

    fn read(&self, kind: &Kind, body: &Body) -> Value {
        if self.is_in_status {
            return body.status()[self.field].clone();
        }
        let text = body.annotation(&key(kind, self.annotation));
        match (self.field, text) {
            (_, None) => Value::Null,
            ("phase" | "message", Some(text)) => text.into(),
            (_, Some(text)) => serde_json::from_str(text).unwrap_or_default(),
        }
    }
}

fn key(kind: &Kind, name: &str) -> String {
    format!("{}/{name}", kind.storage.prefix)
}

impl Shown {
    pub(super) fn read(kind: &Kind, body: &Body) -> Self {
        let [phase, message, payload, generation, _] =
            Fact::all(kind).map(|fact| fact.read(kind, body));
        let last_applied = body.annotation(&key(kind, LAST_APPLIED));
        Self {
            phase: phase.as_str().and_then(|text| text.parse().ok()),
            message: message.as_str().map(str::to_owned),
            payload: Some(payload).filter(|payload| !payload.is_null()),
            generation: generation.as_i64(),
            last_applied: last_applied.and_then(|text| serde_json::from_str(text).ok()),
        }
    }

    /// The merge patch that makes the object show this; it may say what is there already.
    pub(super) fn patch(&self, kind: &Kind, body: &Body, now: &str) -> Value {
        let facts = Fact::all(kind);
        let conditions = self.conditions(&facts[4].read(kind, body), now);
        let values = [
            json!(self.phase.map(Phase::name)),
            json!(self.message),
            json!(self.payload),
            json!(self.generation),
            conditions,
        ];
        let mut status = Map::new();
        let mut annotations = Map::new();
        for (fact, value) in facts.into_iter().zip(values) {
            if fact.is_in_status {
                // A payload replaces the one before as a whole.
                let value = merge::between(&fact.read(kind, body), &value).unwrap_or(value);
                status.insert(fact.field.to_owned(), value);
                continue;
            }
            let text = match value {
                Value::Null | Value::String(_) => value,
                other => other.to_string().into(),
            };
            annotations.insert(key(kind, fact.annotation), text);
        }
        let last_applied = self.last_applied.as_ref().map(Value::to_string);
        annotations.insert(key(kind, LAST_APPLIED), json!(last_applied));
        // Other operators must not take this for a change. In annotations, memory brings the marker itself.
        if kind.storage.place == Place::Status && annotations.values().any(|text| !text.is_null()) {
            annotations.insert(key(kind, MARKER), json!("yes"));
        }
        let mut patch = json!({"metadata": {"annotations": annotations}});
        if !status.is_empty() {
            patch["status"] = status.into();
        }
        patch
    }

    fn conditions(&self, present: &Value, now: &str) -> Value {
        let Some(phase) = self.phase else {
            return present.clone();
        };
        let condition = Condition {
            kind: "Ready",
            holds: Some(phase == Phase::Succeeded),
            reason: phase.name(),
            message: self.message.as_deref().unwrap_or_default(),
            observed_generation: self.generation,
        };
        conditions::set(present, &condition, now).unwrap_or_else(|| present.clone())
    }
}

/// The essence as it was when something was applied last: as now, but for the spec. Secrets that are not kept are as
/// they are now.
pub(super) fn applied(last: &Value, essence: &Value) -> Value {
    let mut old = essence.clone();
    let mut spec = last.clone();
    restore(&mut spec, essence.get("spec").unwrap_or(&Value::Null));
    FieldPath::new(["spec"]).set(&mut old, spec);
    old
}

fn restore(old: &mut Value, now: &Value) {
    match (old, now) {
        (Value::Object(old), Value::Object(now)) => {
            for (key, old) in old {
                restore(old, now.get(key).unwrap_or(&Value::Null));
            }
        }
        (Value::Array(old), Value::Array(now)) => {
            for (old, now) in old.iter_mut().zip(now) {
                restore(old, now);
            }
        }
        (old, now) if *old == crate::object::HIDDEN => *old = now.clone(),
        _ => {}
    }
}
