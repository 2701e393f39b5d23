//! What an object depends on: nothing is done before that is there.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Lifecycle;
use crate::api::{ApiError, Failure, Target};
use crate::handler::{Bond, Relation};
use crate::lifecycle::{Operation, Task, readiness};
use crate::object::reference::owner_reference;
use crate::object::{Body, ObjectKey};
use crate::resource::Resource;

impl Lifecycle<'_> {
    /// The first thing that the object depends on and that is not ready, in words.
    pub(super) async fn unmet(&mut self) -> Result<Option<String>, ApiError> {
        let Some((handler, _)) = self.handler(Task::Operate(Operation::Verify)) else {
            return Ok(None);
        };
        for relation in &handler.rule.relations {
            if let Some(why) = self.unmet_of(relation).await? {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    async fn unmet_of(&mut self, relation: &Relation) -> Result<Option<String>, ApiError> {
        let Bond::Named(naming) = &relation.bond else {
            return Ok(None);
        };
        let keys = match naming(&self.snapshot.body) {
            Ok(keys) => keys,
            Err(error) => return Ok(Some(format!("what it depends on cannot be told: {error}"))),
        };
        let selector = relation.selector();
        let resource = self.context.related.resource(selector);
        for key in keys {
            let Some(resource) = &resource else {
                let text =
                    format!("waits: {selector} {key} cannot be there, as its kind is not served");
                return Ok(Some(text));
            };
            let found = self.find(resource, &key).await?;
            if let Some(owner) = found.as_ref().filter(|_| relation.is_owner) {
                self.belong_to(owner);
            }
            let why = match &found {
                Some(found) => readiness(found, &self.kind.storage.prefix).err(),
                None => Some("is not there".to_owned()),
            };
            if let Some(why) = why {
                return Ok(Some(format!("waits: {} {key} {why}", resource.kind)));
            }
        }
        Ok(None)
    }

    async fn find(&self, resource: &Resource, key: &ObjectKey) -> Result<Option<Body>, ApiError> {
        let target = Target {
            resource,
            namespace: key.namespace().filter(|_| resource.namespaced),
            name: key.name(),
        };
        match self.context.connection.get(target).await {
            Ok(object) => Ok(Some(Body::new(object))),
            Err(error) if error.failure() == Failure::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the object a child of its owner, if it is not one yet. Another controller stays what it is.
    fn belong_to(&mut self, owner: &Body) {
        let is_child = has_owner(self.snapshot.body.as_value(), owner.uid());
        let is_elsewhere =
            owner.namespace().is_some() && owner.namespace() != self.snapshot.body.namespace();
        if is_child || is_elsewhere {
            return;
        }
        let reference = owner_reference(owner);
        let add = move |object: &mut Value| {
            if has_owner(object, reference["uid"].as_str().unwrap_or_default()) {
                return;
            }
            let references = &mut object["metadata"]["ownerReferences"];
            if references.is_null() {
                *references = json!([]);
            }
            let Some(references) = references.as_array_mut() else {
                return;
            };
            let mut reference = reference.clone();
            if references.iter().any(|other| other["controller"] == true) {
                reference["controller"] = false.into();
            }
            references.push(reference);
        };
        self.change.transforms.push(Arc::new(add));
    }
}

fn has_owner(object: &Value, uid: &str) -> bool {
    let references = object["metadata"]["ownerReferences"].as_array();
    references.is_some_and(|references| references.iter().any(|one| one["uid"] == uid))
}
