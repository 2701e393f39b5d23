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
    in_status: Stored,
    in_annotations: Stored,
}

impl Storage {
    /// Takes the state out of an object.
    pub(crate) fn take(&self, object: &mut Value) -> Found {
        let in_annotations = match self.place {
            Place::Kopf => kopf::read(self, object),
            Place::Annotations | Place::Status => annotations::take(self, object),
        };
        let in_status = handling::take(self, object);
        let (first, second) = match self.place {
            Place::Status => (&in_status, &in_annotations),
            Place::Annotations | Place::Kopf => (&in_annotations, &in_status),
        };
        let progress = if first.progress.is_empty() {
            &second.progress
        } else {
            &first.progress
        };
        let is_some = first.baseline.is_some() || first.begun.is_some();
        let remembered = if is_some { first } else { second };
        let stored = Stored {
            baseline: remembered.baseline.clone(),
            begun: remembered.begun.clone(),
            tracked: remembered.tracked.clone(),
            progress: progress.clone(),
        };
        Found {
            stored,
            in_status,
            in_annotations,
        }
    }

    /// The merge patch that makes the object hold `wanted`; null if it does already. State in places
    /// that are not the chosen one is removed from there.
    pub(crate) fn patch(&self, found: &Found, wanted: &Stored) -> Value {
        let none = Stored::default();
        let (annotations, status) = match self.place {
            Place::Status => (&none, wanted),
            Place::Annotations | Place::Kopf => (wanted, &none),
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
            Place::Status => true,
            Place::Annotations => encoding::fits(essence),
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
