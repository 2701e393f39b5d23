//! Making objects children of the one that is being handled.

use kube::ResourceExt as _;

use super::object::{Object, describe, kind_name};
use super::{ActionError, Actions};
use crate::object::{Body, reference::owner_reference};

impl Actions {
    /// Makes an object a child of the one that is being handled: owner reference, namespace, labels,
    /// and a name made of the owner's where it has none. What it has of its own stays.
    ///
    /// # Errors
    /// [`ActionError::NoOwner`] outside of handlers of objects; [`ActionError::Adoption`] if the owner
    /// is namespaced and the child would not be in its namespace.
    pub fn adopt<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let owner = self.owner()?;
        let refuse = |object: &K, reason| ActionError::Adoption {
            object: describe(&kind_name(object), object.meta()),
            owner: format!("{} {}", owner.kind(), owner.key()),
            reason,
        };
        if let Some(namespace) = owner.namespace() {
            if K::fixed_kind().is_some_and(|kind| !kind.namespaced) {
                let reason = "the owner is namespaced, the kind of the object is not";
                return Err(refuse(object, reason));
            }
            let own = object.meta().namespace.as_deref();
            if own.is_some_and(|own| own != namespace) {
                return Err(refuse(object, "they are in different namespaces"));
            }
            object.meta_mut().namespace = Some(namespace.to_owned());
        }
        if object.meta().name.is_none() && object.meta().generate_name.is_none() {
            object.meta_mut().generate_name = Some(format!("{}-", owner.name()));
        }
        self.label(object)?;
        let has_other_controller = object
            .owner_references()
            .iter()
            .any(|known| known.controller == Some(true) && known.uid != owner.uid());
        if has_other_controller {
            let reason = "another object is its controller: remove that owner reference first";
            return Err(refuse(object, reason));
        }
        let reference = serde_json::from_value(owner_reference(owner));
        let reference =
            reference.map_err(|_| refuse(object, "the owner has no kind, name or uid"))?;
        let owners = object.owner_references_mut();
        owners.retain(|known| known.uid != owner.uid());
        owners.push(reference);
        Ok(())
    }

    /// Gives an object the labels of the one that is being handled. Those that it has stay as they are.
    ///
    /// # Errors
    /// [`ActionError::NoOwner`] outside of handlers of objects.
    pub fn label<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        for (key, value) in self.owner()?.labels().as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let labels = object.labels_mut();
            labels
                .entry(key.clone())
                .or_insert_with(|| value.to_owned());
        }
        Ok(())
    }

    fn owner(&self) -> Result<&Body, ActionError> {
        self.owner.as_ref().ok_or(ActionError::NoOwner)
    }
}
