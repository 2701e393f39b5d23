//! Where memory of past handling lives: what was handled last, and how far handling has come.
//!
//! All places are read, the chosen one is written, so that state can move without calling a handler.
//! The state is taken out of a body before anybody else sees it. Knows nothing of handlers but
//! their ids.

mod annotations;
mod encoding;
mod handling;
mod kopf;
mod persistence;
mod record;

use std::sync::Arc;

use serde_json::Value;

pub use self::handling::Handling;
pub(crate) use self::kopf::needs_owner_suffix;
pub(crate) use self::persistence::StatusSchema;
pub use self::persistence::{Keep, Persistence, Place};
pub(crate) use self::record::{Progress, Record};
use crate::cause::Baseline;
use crate::object::FieldPath;

/// What was found on an object, or is to be written to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    /// The uid of the object that it was written for; empty where that is not kept. Copies of an
    /// object (a restored backup, what is made of a template) carry the state of another one.
    pub(crate) owner: String,
    pub(crate) baseline: Option<Baseline>,
    /// The essence that an unfinished creation began with: its baseline in the end.
    pub(crate) begun: Option<Baseline>,
    /// The fields beyond the usual essence that both were made with.
    pub(crate) tracked: Vec<FieldPath>,
    pub(crate) progress: Progress,
}

/// The storage of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub(crate) prefix: String,
    pub(crate) place: Place,
    pub(crate) keep: Keep,
    /// The fields beyond the usual essence, for places that do not remember them.
    pub(crate) tracked: Vec<FieldPath>,
    /// Handler ids, by which per-handler keys are found.
    pub(crate) ids: Vec<String>,
    pub(crate) owner_suffix: bool,
}

/// What is known of an object besides its body: its state, and which places hold some.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) stored: Stored,
    uid: String,
    in_status: Stored,
    in_annotations: Stored,
    /// What other operators of this framework keep in the status.
    others: Value,
}

impl Storage {
    /// Takes the state out of an object.
    pub(crate) fn take(&self, object: &mut Value) -> Found {
        let in_annotations = match self.place {
            Place::Kopf => kopf::read(self, object),
            Place::Annotations | Place::Status => annotations::take(self, object),
        };
        let (in_status, others) = handling::take(self, object);
        let uid = object["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let none = Stored::default();
        let own = |state: &'_ Stored| state.owner.is_empty() || state.owner == uid;
        let status = if own(&in_status) { &in_status } else { &none };
        let annotations = if own(&in_annotations) {
            &in_annotations
        } else {
            &none
        };
        let (first, second) = match self.place {
            Place::Status => (status, annotations),
            Place::Annotations | Place::Kopf => (annotations, status),
        };
        let progress = if first.progress.is_empty() {
            &second.progress
        } else {
            &first.progress
        };
        let is_some = first.baseline.is_some() || first.begun.is_some();
        let remembered = if is_some { first } else { second };
        let stored = Stored {
            owner: String::new(),
            baseline: remembered.baseline.clone(),
            begun: remembered.begun.clone(),
            tracked: remembered.tracked.clone(),
            progress: progress.clone(),
        };
        Found {
            stored,
            uid,
            in_status,
            in_annotations,
            others,
        }
    }

    /// The state as it stands on the object, ours and that of others.
    pub(crate) fn restore(&self, found: &Found) -> Value {
        let none = Stored::default();
        let mut state = Value::Object(serde_json::Map::new());
        if self.place != Place::Kopf {
            let annotations = annotations::patch(self, &none, &found.in_annotations);
            crate::object::merge::compose(&mut state, &object_or_empty(annotations));
        }
        let status = handling::patch(self, &none, &found.in_status);
        crate::object::merge::compose(&mut state, &object_or_empty(status));
        crate::object::merge::compose(&mut state, &handling::restore(&found.others));
        state
    }

    /// The merge patch that makes the object hold `wanted`; null if it does already. State in places
    /// that are not the chosen one is removed from there.
    pub(crate) fn patch(&self, found: &Found, wanted: &Stored) -> Value {
        let none = Stored::default();
        let mut wanted = wanted.clone();
        if wanted != none && self.place != Place::Kopf {
            wanted.owner.clone_from(&found.uid);
        }
        let (annotations, status) = match self.place {
            Place::Status => (&none, &wanted),
            Place::Annotations | Place::Kopf => (&wanted, &none),
        };
        let mut patch = Value::Null;
        let parts = [
            match self.place {
                Place::Kopf => kopf::patch(self, &found.in_annotations, annotations),
                Place::Annotations | Place::Status => {
                    annotations::patch(self, &found.in_annotations, annotations)
                }
            },
            handling::patch(self, &found.in_status, status),
        ];
        for part in parts.iter().filter(|part| !part.is_null()) {
            crate::object::merge::compose(&mut patch, part);
        }
        patch
    }

    /// The baseline as this storage keeps it: the whole essence, or its digest where that is asked
    /// for or where the whole would not fit.
    pub(crate) fn baseline(&self, essence: &Arc<Value>) -> Baseline {
        let fits = match self.place {
            Place::Status => encoding::fits(essence, encoding::STATUS_LIMIT),
            Place::Annotations => encoding::fits(essence, encoding::LIMIT),
            Place::Kopf => kopf::fits(essence),
        };
        match self.keep {
            Keep::Essence if fits => Baseline::Essence(essence.clone()),
            Keep::Essence | Keep::Digest => Baseline::Digest(crate::object::digest(essence)),
        }
    }

    /// Whether the essence is too large to be kept whole where this storage keeps it.
    pub(crate) fn is_oversized(&self, essence: &Arc<Value>) -> bool {
        self.keep == Keep::Essence && matches!(self.baseline(essence), Baseline::Digest(_))
    }
}

fn object_or_empty(patch: Value) -> Value {
    if patch.is_object() {
        patch
    } else {
        Value::Object(serde_json::Map::new())
    }
}

/// Fields as they are written into one text, and read from it.
fn fields_text(fields: &[FieldPath]) -> Option<String> {
    let lists: Vec<Vec<&str>> = fields
        .iter()
        .map(|field| field.segments().collect())
        .collect();
    (!lists.is_empty()).then(|| serde_json::json!(lists).to_string())
}

fn fields_of(text: &str) -> Vec<FieldPath> {
    let lists: Vec<Vec<String>> = serde_json::from_str(text).unwrap_or_default();
    lists.into_iter().map(FieldPath::new).collect()
}

#[cfg(test)]
mod tests;
