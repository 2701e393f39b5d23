//! Changes of an object: creation, update, deletion, and finding it again after a restart.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{Body, Diff, FieldPath, Patch};
use crate::resource::Resource;

/// Why changing handlers are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The object is new to the operator.
    Create,
    /// Its essence differs from what was handled last.
    Update,
    /// It is being deleted.
    Delete,
    /// It was handled before the operator started, and has not changed since.
    Resume,
    /// It is to be found out how the thing is that the object stands for.
    Verify,
    /// That thing is as the object asks for, for the first time.
    Complete,
    /// Something has happened to it or to what it depends on, or it is time to look.
    Reconcile,
}

/// An object was created, updated, deleted, or found again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChangingCause {
    /// The kind of the object.
    pub resource: Arc<Resource>,
    /// The whole object.
    pub body: Body,
    /// What happened.
    pub reason: Reason,
    /// Whether the operator sees this object for the first time since its start.
    pub initial: bool,
    /// The essence as it was handled last (or the handler's field of it); `None` on creation, and
    /// where only a digest of it is kept.
    pub old: Option<Arc<Value>>,
    /// The present essence (or the handler's field of it); `None` where the field is absent.
    pub new: Option<Arc<Value>>,
    /// The difference between both.
    pub diff: Arc<Diff>,
    /// Changes to be made to the object.
    pub patch: Patch,
}

impl ChangingCause {
    /// A change of an object from one essence to another.
    pub fn new(
        resource: Arc<Resource>,
        body: Body,
        (reason, initial): (Reason, bool),
        (old, new): (Option<Arc<Value>>, Arc<Value>),
    ) -> Self {
        let diff = Arc::new(Diff::of(old.as_deref().unwrap_or(&Value::Null), &new));
        let (new, patch) = (Some(new), Patch::new());
        Self {
            resource,
            body,
            reason,
            initial,
            old,
            new,
            diff,
            patch,
        }
    }

    /// The same change as seen by a handler of one field.
    pub fn narrowed(&self, field: &FieldPath) -> Self {
        let at = |essence: &Option<Arc<Value>>| {
            essence
                .as_deref()
                .and_then(|e| field.get(e))
                .cloned()
                .map(Arc::new)
        };
        Self {
            old: at(&self.old),
            new: at(&self.new),
            diff: Arc::new(self.diff.reduce(field)),
            ..self.clone()
        }
    }

    /// The same change with a patch of its own.
    pub(crate) fn with_patch(&self, patch: Patch) -> Self {
        Self {
            patch,
            ..self.clone()
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Resume => "resume",
            Self::Verify => "verify",
            Self::Complete => "complete",
            Self::Reconcile => "reconcile",
        })
    }
}
