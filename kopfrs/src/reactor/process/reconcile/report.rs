//! What is told in the status of what has become of a call: the generation that it has seen, whether it went
//! well, and errors of the user's own.
//!
//! Pure. What the handler says of one of these fields itself counts.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::handler::HandlerError;
use crate::object::conditions::{Condition, change, set};
use crate::object::{Body, Change};
use crate::reactor::kind::Kind;
use crate::reconcile::{TypedError, is_typed};

/// The condition that says whether the last call went well.
const READY: &str = "Ready";

/// What the status is made of.
pub(super) struct Report<'a> {
    pub(super) kind: &'a Kind,
    pub(super) body: &'a Body,
    /// The merge patch that the handler asks for.
    pub(super) asked: &'a Value,
    pub(super) failure: Option<&'a HandlerError>,
}

impl Report<'_> {
    /// The change of the status; empty if all of that is told already.
    pub(super) fn change(&self, now: Timestamp) -> Change {
        let mut status = Map::new();
        if self.kind.status.observed_generation
            && let Some(generation) = self.generation()
            && self.asked_for("observedGeneration").is_none()
            && self.body.status()["observedGeneration"] != generation
        {
            status.insert("observedGeneration".to_owned(), json!(generation));
        }
        let typed = self.failure.and_then(HandlerError::typed);
        for field in TypedError::fields() {
            let present = &self.body.status()[field];
            let told = typed
                .filter(|typed| typed.field == field)
                .map(TypedError::to_value);
            let is_news = match &told {
                Some(told) => told != present,
                None => is_typed(field, present),
            };
            if is_news && self.asked_for(field).is_none() {
                status.insert(field.to_owned(), told.unwrap_or_default());
            }
        }
        let mut change = Change::default();
        if !status.is_empty() {
            change.merge = json!({ "status": status });
        }
        if self.kind.status.conditions {
            change.extend(self.conditions(now));
        }
        change
    }

    fn generation(&self) -> Option<i64> {
        self.body.meta()["generation"].as_i64()
    }

    fn asked_for(&self, field: &str) -> Option<&Value> {
        self.asked.get("status")?.get(field)
    }

    fn conditions(&self, now: Timestamp) -> Change {
        let stored = &self.body.status()["conditions"];
        let is_ready = |condition: &&Value| condition["type"] == READY;
        let ready = stored.as_array().into_iter().flatten().find(is_ready);
        let present = match self.asked_for("conditions") {
            Some(Value::Array(asked)) if asked.iter().any(|one| is_ready(&one)) => {
                return Change::default();
            }
            // A list replaces the other as a whole: what we have told before stays.
            Some(Value::Array(asked)) => Some(asked.iter().chain(ready).cloned().collect()),
            _ => None,
        };
        let (reason, message) = match self.failure {
            None => ("Reconciled", ""),
            Some(failure) => {
                let typed = failure.typed();
                let reason = typed.map_or("ReconcileFailed", |typed| typed.error_type);
                (reason, failure.message())
            }
        };
        let condition = Condition {
            kind: READY,
            holds: Some(self.failure.is_none()),
            reason,
            message,
            observed_generation: self.generation(),
        };
        let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let Some(asked) = present else {
            return change(stored, &condition, &now).unwrap_or_default();
        };
        let conditions = set(&asked, &condition, &now).unwrap_or(asked);
        Change {
            merge: json!({"status": {"conditions": conditions}}),
            transforms: Vec::new(),
        }
    }
}
