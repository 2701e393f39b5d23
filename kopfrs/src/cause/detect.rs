//! The ladder: from an object's state to what has happened to it.
//!
//! Judged by what is stored on the object, never by types of events: those are lost in disconnects
//! and restarts.

use serde_json::Value;

use super::Reason;
use crate::object::{digest, equal};

/// What was handled last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Baseline {
    /// The whole essence.
    Essence(Value),
    /// Only its digest.
    Digest(String),
}

impl Baseline {
    pub(crate) fn is(&self, essence: &Value) -> bool {
        match self {
            Self::Essence(old) => equal(old, essence),
            Self::Digest(old) => *old == digest(essence),
        }
    }
}

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) is_gone: bool,
    pub(crate) is_deleting: bool,
    pub(crate) has_finalizer: bool,
    /// An optional deletion handler wants to know, though no finalizer waits for it.
    pub(crate) is_deletion_wanted: bool,
    /// Found by a listing, and not handled completely since.
    pub(crate) is_initial: bool,
    pub(crate) baseline: Option<&'a Baseline>,
    pub(crate) essence: &'a Value,
}

/// What has happened; `None` if there is nothing to handle: the object is gone, released, or as it
/// was.
pub(crate) fn detect(situation: Situation<'_>) -> Option<Reason> {
    if situation.is_gone {
        return None;
    }
    if situation.is_deleting {
        let is_awaited = situation.has_finalizer || situation.is_deletion_wanted;
        return is_awaited.then_some(Reason::Delete);
    }
    match situation.baseline {
        None => Some(Reason::Create),
        Some(baseline) if !baseline.is(situation.essence) => Some(Reason::Update),
        Some(_) if situation.is_initial => Some(Reason::Resume),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_matching_rung_decides() {
        let (same, other) = (json!({"spec": 1}), json!({"spec": 2}));
        let essence = Baseline::Essence(same.clone());
        let digested = Baseline::Digest(digest(&same));
        let base = Situation {
            is_gone: false,
            is_deleting: false,
            has_finalizer: false,
            is_deletion_wanted: false,
            is_initial: false,
            baseline: Some(&essence),
            essence: &same,
        };
        let rows = [
            ("as it was", base, None),
            (
                "gone",
                Situation {
                    is_gone: true,
                    baseline: None,
                    ..base
                },
                None,
            ),
            (
                "new",
                Situation {
                    baseline: None,
                    ..base
                },
                Some(Reason::Create),
            ),
            (
                "new, listed",
                Situation {
                    baseline: None,
                    is_initial: true,
                    ..base
                },
                Some(Reason::Create),
            ),
            (
                "changed",
                Situation {
                    essence: &other,
                    ..base
                },
                Some(Reason::Update),
            ),
            (
                "changed, listed",
                Situation {
                    essence: &other,
                    is_initial: true,
                    ..base
                },
                Some(Reason::Update),
            ),
            (
                "listed",
                Situation {
                    is_initial: true,
                    ..base
                },
                Some(Reason::Resume),
            ),
            (
                "digest, as it was",
                Situation {
                    baseline: Some(&digested),
                    ..base
                },
                None,
            ),
            (
                "digest, changed",
                Situation {
                    baseline: Some(&digested),
                    essence: &other,
                    ..base
                },
                Some(Reason::Update),
            ),
            (
                "released",
                Situation {
                    is_deleting: true,
                    is_initial: true,
                    ..base
                },
                None,
            ),
            (
                "deleted",
                Situation {
                    is_deleting: true,
                    has_finalizer: true,
                    ..base
                },
                Some(Reason::Delete),
            ),
            (
                "deleted unhandled",
                Situation {
                    is_deleting: true,
                    has_finalizer: true,
                    baseline: None,
                    ..base
                },
                Some(Reason::Delete),
            ),
            (
                "optional deletion",
                Situation {
                    is_deleting: true,
                    is_deletion_wanted: true,
                    ..base
                },
                Some(Reason::Delete),
            ),
        ];
        for (name, situation, expected) in rows {
            assert_eq!(detect(situation), expected, "{name}");
        }
    }
}
