//! What is known of an object, and what follows from it.

use std::sync::Arc;

use serde_json::Value;

use crate::action::Cycle;
use crate::cause::{Baseline, ChangingCause, Reason, Situation, detect};
use crate::object::{self, Body, FieldPath, digest};
use crate::reactor::kind::Kind;
use crate::reactor::memory::Memory;
use crate::reactor::snapshot::Snapshot;
use crate::storage::Stored;

/// An object as the decision sees it.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) essence: Arc<Value>,
    pub(crate) reason: Option<Reason>,
    pub(crate) has_finalizer: bool,
    pub(crate) cause: ChangingCause,
}

impl View {
    pub(super) fn of(kind: &Kind, memory: &Memory, snapshot: &Snapshot) -> Self {
        let body = &snapshot.body;
        let essence = Arc::new(kind.essence(body));
        let baseline = adapted(kind, &snapshot.found.stored, body, &essence);
        let baseline = baseline.or_else(|| memory.unkept.as_deref().cloned());
        // Once it has been taken off at the end, it is only seen in what is older than that.
        let has_finalizer = body.has_finalizer(&kind.finalizer) && !memory.is_deletion_handled;
        let reason = detect(Situation {
            is_gone: false,
            is_deleting: body.is_deleting(),
            has_finalizer,
            is_deletion_wanted: kind.has_optional_deletion()
                && !memory.is_deletion_handled
                && !memory.is_initial,
            is_initial: memory.is_initial,
            baseline: baseline.as_ref(),
            essence: &essence,
        });
        // Who has finished with a state in between must hear that it was taken back.
        let cycle = memory.work.as_ref().and_then(|work| work.cycle.as_ref());
        let is_taken_back = !body.is_deleting()
            && baseline.is_some()
            && match cycle {
                Some(cycle) => cycle.is_outdated(&essence),
                None => Cycle::resume(&snapshot.found.stored).is_outdated(&essence),
            };
        let reason = if is_taken_back {
            Some(Reason::Update)
        } else {
            reason
        };
        let old = match baseline {
            Some(Baseline::Essence(old)) => Some(old),
            Some(Baseline::Digest(old)) if old == digest(&essence) => Some(essence.clone()),
            Some(Baseline::Digest(_)) | None => None,
        };
        let causes = (
            reason.unwrap_or(Reason::Resume),
            memory.is_initial && reason != Some(Reason::Create),
        );
        let cause = ChangingCause::new(
            kind.resource.clone(),
            body.clone(),
            causes,
            (old, essence.clone()),
        );
        Self {
            essence,
            reason,
            has_finalizer,
            cause,
        }
    }
}

/// A field outside of the usual essence that the code has begun to track starts from its present
/// value, and one that it tracks no more is forgotten: new code is no change of an object.
fn adapted(kind: &Kind, stored: &Stored, body: &Body, essence: &Value) -> Option<Baseline> {
    let now = kind.tracked();
    let old = match &stored.baseline {
        Some(Baseline::Essence(old)) if stored.tracked != now => old,
        Some(digest @ Baseline::Digest(_)) if stored.tracked != now => {
            let is_same = digest.is(&object::essence::essence(body, &stored.tracked));
            return Some(if is_same {
                Baseline::Digest(object::digest(essence))
            } else {
                digest.clone()
            });
        }
        baseline => return baseline.clone(),
    };
    let mut old = Value::clone(old);
    for field in stored.tracked.iter().filter(|field| !now.contains(field)) {
        field.remove(&mut old);
        prune_above(field, &mut old);
    }
    for field in now.iter().filter(|field| !stored.tracked.contains(field)) {
        if let Some(value) = field.get(essence) {
            field.set(&mut old, value.clone());
        }
    }
    Some(Baseline::Essence(Arc::new(old)))
}

/// Removes the mappings above a field that its removal has left empty.
fn prune_above(field: &FieldPath, object: &mut Value) {
    let mut above = field.parent();
    while let Some(path) = above.filter(|path| !path.is_root()) {
        if path
            .get(object)
            .and_then(Value::as_object)
            .is_some_and(serde_json::Map::is_empty)
        {
            path.remove(object);
        }
        above = path.parent();
    }
}
