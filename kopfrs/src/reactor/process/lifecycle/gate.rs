//! What an object depends on: nothing is done before that is there.

use super::Lifecycle;
use crate::api::{ApiError, Failure, Target};
use crate::handler::{Bond, Relation};
use crate::lifecycle::{Operation, Task, readiness};
use crate::object::{Body, ObjectKey};
use crate::resource::Resource;

impl Lifecycle<'_> {
    /// The first thing that the object depends on and that is not ready, in words.
    pub(super) async fn unmet(&self) -> Result<Option<String>, ApiError> {
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

    async fn unmet_of(&self, relation: &Relation) -> Result<Option<String>, ApiError> {
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
            let why = match &resource {
                Some(resource) => self.trouble(resource, &key).await?,
                None => Some("cannot be there, as its kind is not served".to_owned()),
            };
            if let Some(why) = why {
                let kind =
                    resource.map_or_else(|| selector.to_string(), |resource| resource.kind.clone());
                return Ok(Some(format!("waits: {kind} {key} {why}")));
            }
        }
        Ok(None)
    }

    async fn trouble(
        &self,
        resource: &Resource,
        key: &ObjectKey,
    ) -> Result<Option<String>, ApiError> {
        let target = Target {
            resource,
            namespace: key.namespace().filter(|_| resource.namespaced),
            name: key.name(),
        };
        match self.context.connection.get(target).await {
            Ok(object) => Ok(readiness(&Body::new(object), &self.kind.storage.prefix).err()),
            Err(error) if error.failure() == Failure::Missing => {
                Ok(Some("is not there".to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}
