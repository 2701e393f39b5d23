//! What an object shows of its lifecycle: in its status where the schema keeps it, in annotations where not.

use serde_json::{Map, Value, json};

use crate::lifecycle::Phase;
use crate::object::conditions::{self, Condition};
use crate::object::{Body, Change, FieldPath, Secrets, clipped, essence::MARKER, merge};
use crate::reactor::kind::Kind;
use crate::storage::Place;

/// The annotation with the spec that was applied last, less its secrets.
const LAST_APPLIED: &str = "last-applied-spec";

/// All annotations of an object may have 256 KiB; some room is left for those that others add.
const ANNOTATIONS_LIMIT: usize = 200 * 1024;

/// What a payload may take of them.
const PAYLOAD_LIMIT: usize = 32 * 1024;

/// What a payload may take of the object, which may have one and a half megabytes.
const STATUS_LIMIT: usize = 256 * 1024;

/// Messages of conditions may have 32 KiB; people read less.
const MESSAGE_LIMIT: usize = 4096;

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

    /// With what an operation has told, where that could not be written.
    pub(super) fn with(self, unwritten: Option<Self>) -> Self {
        match unwritten {
            Some(unwritten) => Self {
                payload: unwritten.payload,
                last_applied: unwritten.last_applied,
                ..self
            },
            None => self,
        }
    }

    /// What makes the object show this; it may say what is there already.
    pub(super) fn change(&self, kind: &Kind, body: &Body, now: &str) -> Change {
        let [phase, message, payload, generation, conditions] = Fact::all(kind);
        let mut facts = vec![
            (phase, json!(self.phase.map(Phase::name))),
            (message, json!(self.message)),
            (payload, json!(self.payload)),
            (generation, json!(self.generation)),
        ];
        let stored = conditions.read(kind, body);
        let mut change = Change::default();
        if conditions.is_in_status {
            let ready = self.ready();
            let set = ready.and_then(|ready| conditions::change(&stored, &ready, now));
            change.extend(set.unwrap_or_default());
        } else {
            let ready = self.ready();
            let set = ready.and_then(|ready| conditions::set(&stored, &ready, now));
            facts.push((conditions, set.unwrap_or(stored)));
        }
        change.extend(Change {
            merge: self.merge((kind, body), facts),
            transforms: Vec::new(),
        });
        change
    }

    fn merge(&self, (kind, body): (&Kind, &Body), facts: Vec<(Fact, Value)>) -> Value {
        let mut status = Map::new();
        let mut annotations = Map::new();
        for (fact, value) in facts {
            if fact.is_in_status {
                // A payload replaces the one before as a whole.
                let value = merge::between(&fact.read(kind, body), &value).unwrap_or(value);
                status.insert(fact.field.to_owned(), value);
                continue;
            }
            let text = match (fact.field, value) {
                (_, Value::Null) => Value::Null,
                // Words for people; anything else is JSON.
                ("phase" | "message", value) => value,
                (_, value) => value.to_string().into(),
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

    fn ready(&self) -> Option<Condition<'_>> {
        let phase = self.phase?;
        Some(Condition {
            kind: "Ready",
            holds: Some(phase == Phase::Succeeded),
            reason: phase.name(),
            message: self.message.as_deref().unwrap_or_default(),
            observed_generation: self.generation,
        })
    }

    /// Remembers a spec as the one that was applied last, unless it is too large to stand beside the other annotations.
    pub(super) fn set_applied(&mut self, kind: &Kind, body: &Body) -> Result<(), usize> {
        let spec = Secrets::default().hide(body.spec());
        let own = key(kind, LAST_APPLIED);
        let annotations = body.annotations().as_object().into_iter().flatten();
        let others = annotations.filter(|(key, _)| **key != own);
        let size = |(key, text): (&String, &Value)| key.len() + text.as_str().map_or(0, str::len);
        let size = spec.to_string().len() + others.map(size).sum::<usize>();
        if size > ANNOTATIONS_LIMIT {
            self.last_applied = None;
            return Err(size);
        }
        self.last_applied = Some(spec).filter(|spec| !spec.is_null());
        Ok(())
    }

    /// Keeps a payload, unless it is too large for its place; gives its size then.
    pub(super) fn set_payload(&mut self, kind: &Kind, payload: Value) -> Result<(), usize> {
        let is_in_status = kind.has_status() && kind.status.payload;
        let limit = if is_in_status {
            STATUS_LIMIT
        } else {
            PAYLOAD_LIMIT
        };
        let size = payload.to_string().len();
        if size > limit {
            return Err(size);
        }
        self.payload = Some(payload);
        Ok(())
    }

    /// Shows a message; of one that is very long, the ends.
    pub(super) fn set_message(&mut self, message: Option<&str>) {
        self.message = message.map(|message| clipped(message, MESSAGE_LIMIT));
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
