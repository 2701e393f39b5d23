//! The ladder: from an object's state to what has happened to it.
//!
//! Judged by what is stored on the object, never by types of events: those are lost in disconnects
//! and restarts.

use std::sync::Arc;

use serde_json::Value;

use super::Reason;
use crate::object::{digest, equal};

/// What was handled last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Baseline {
    /// The whole essence.
    Essence(Arc<Value>),
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

    static OTHER: Baseline = Baseline::Digest(String::new());

    /// What is detected for an object that was handled as it is, less what the row says.
    fn check(name: &str, expected: Option<Reason>, row: impl FnOnce(&mut Situation<'_>)) {
        let essence = json!({"spec": 1});
        let baseline = Baseline::Essence(Arc::new(essence.clone()));
        let mut situation = Situation {
            is_gone: false,
            is_deleting: false,
            has_finalizer: false,
            is_deletion_wanted: false,
            is_initial: false,
            baseline: Some(&baseline),
            essence: &essence,
        };
        row(&mut situation);
        assert_eq!(detect(situation), expected, "{name}");
    }

    #[test]
    fn the_first_matching_rung_decides() {
        check("as it was", None, |_| {});
        check("new", Some(Reason::Create), |s| s.baseline = None);
        check("listed", Some(Reason::Resume), |s| s.is_initial = true);
        check("new, listed", Some(Reason::Create), |s| {
            (s.baseline, s.is_initial) = (None, true);
        });
        check("gone", None, |s| (s.baseline, s.is_gone) = (None, true));
        check("released", None, |s| {
            (s.is_deleting, s.is_initial) = (true, true);
        });
        check("deleted", Some(Reason::Delete), |s| {
            (s.is_deleting, s.has_finalizer) = (true, true);
        });
        check("deleted unhandled", Some(Reason::Delete), |s| {
            (s.is_deleting, s.has_finalizer, s.baseline) = (true, true, None);
        });
        check("optional deletion", Some(Reason::Delete), |s| {
            (s.is_deleting, s.is_deletion_wanted) = (true, true);
        });
    }

    #[test]
    fn a_difference_to_what_was_handled_is_an_update() {
        let (same, other) = (json!({"spec": 1}), json!({"spec": 2}));
        let (whole, digested) = (
            Baseline::Essence(Arc::new(same.clone())),
            Baseline::Digest(digest(&same)),
        );
        for baseline in [&whole, &digested] {
            assert!(baseline.is(&same) && !baseline.is(&other));
        }
        check("changed", Some(Reason::Update), |s| {
            s.baseline = Some(&OTHER);
        });
        check("changed, listed", Some(Reason::Update), |s| {
            (s.baseline, s.is_initial) = (Some(&OTHER), true);
        });
    }
}
