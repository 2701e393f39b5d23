//! Making objects children of the one that is being handled.

use super::object::Object;
use super::{ActionError, Actions};
use crate::hierarchies::{self, HierarchyError};
use crate::object::Body;

impl Actions {
    /// Makes an object a child of the one that is being handled: owner reference, namespace, labels,
    /// and a name made of the owner's where it has none. What it has of its own stays. Other ways, many
    /// objects at once, and JSON: [`hierarchies`].
    ///
    /// # Errors
    /// [`ActionError::NoOwner`] outside of handlers of objects; [`ActionError::Adoption`] if the owner
    /// is namespaced and the child would not be in its namespace.
    pub fn adopt<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        Ok(hierarchies::adopt(object, self.owner()?)?)
    }

    /// Gives an object the labels of the one that is being handled. Those that it has stay as they are.
    ///
    /// # Errors
    /// [`ActionError::NoOwner`] outside of handlers of objects.
    pub fn label<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        Ok(hierarchies::label(object, self.owner()?)?)
    }

    fn owner(&self) -> Result<&Body, ActionError> {
        self.owner.as_ref().ok_or(ActionError::NoOwner)
    }
}

impl From<HierarchyError> for ActionError {
    fn from(error: HierarchyError) -> Self {
        match error {
            HierarchyError::Adoption {
                object,
                owner,
                reason,
            } => Self::Adoption {
                object,
                owner,
                reason,
            },
            error => Self::Hierarchy(error),
        }
    }
}
