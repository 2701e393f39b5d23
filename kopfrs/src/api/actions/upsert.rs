//! Objects as they shall be, whether they are there or not.

use kube::api::Patch;
use serde_json::Value;

use super::error::sorted;
use super::object::Object;
use super::{ActionError, ActionResultExt as _, Actions};
use crate::object::{merge, reference::describe};

/// How often an object is read anew when others create, change or delete it meanwhile.
const ROUNDS: usize = 5;

/// What has become of an object that was to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It was as it shall be; nothing was sent.
    Unchanged,
    /// It was not there.
    Created,
    /// It was changed.
    Updated,
    /// Its status was changed, and nothing else of it.
    UpdatedStatus,
}

/// How changes are sent.
#[derive(Clone, Copy)]
enum Way {
    Update,
    Patch,
}

/// Why an attempt came to nothing.
enum Miss {
    /// Somebody was faster. The next look tells what there is now.
    Overtaken(ActionError),
    /// Another look would not help.
    Failed(ActionError),
}

impl Miss {
    /// Why an object that was there could not be changed.
    fn of(error: ActionError) -> Self {
        match error {
            ActionError::Conflict { .. } | ActionError::NotFound { .. } => Self::Overtaken(error),
            error => Self::Failed(error),
        }
    }
}

impl From<ActionError> for Miss {
    fn from(error: ActionError) -> Self {
        Self::Failed(error)
    }
}

/// An object and what it is in JSON.
struct Versions<K> {
    object: K,
    before: Value,
    after: Value,
}

impl Actions {
    /// Makes an object as the function makes it: reads it, lets the function change what was read, and
    /// replaces it if that is a difference; creates it if it is not there. The given object becomes what
    /// the server has stored.
    ///
    /// The function is called again when somebody else writes meanwhile, so it should say what shall be,
    /// and nothing else. What it does not touch stays. The status is left alone where the kind has a
    /// subresource for it: see [`create_or_patch`](Actions::create_or_patch).
    ///
    /// # Errors
    /// [`ActionError::Missing`] without a name or namespace, [`ActionError::Renamed`] if the function
    /// changes them, [`ActionError::Conflict`] if others do not stop writing, and whatever else the server
    /// says.
    pub async fn create_or_update<K: Object + Clone>(
        &self,
        object: &mut K,
        change: impl FnMut(&mut K),
    ) -> Result<Change, ActionError> {
        // Objects are large, and a handler's future would hold several.
        Box::pin(self.upsert(object, change, Way::Update)).await
    }

    /// Makes an object as the function makes it, as [`create_or_update`](Actions::create_or_update), but
    /// sends only what is different, as merge patches: of the object, and of its status where the kind has a
    /// subresource for it. What others change meanwhile in other fields is no conflict; lists are replaced
    /// whole.
    ///
    /// # Errors
    /// As [`create_or_update`](Actions::create_or_update).
    pub async fn create_or_patch<K: Object + Clone>(
        &self,
        object: &mut K,
        change: impl FnMut(&mut K),
    ) -> Result<Change, ActionError> {
        Box::pin(self.upsert(object, change, Way::Patch)).await
    }

    async fn upsert<K: Object + Clone>(
        &self,
        object: &mut K,
        mut change: impl FnMut(&mut K),
        way: Way,
    ) -> Result<Change, ActionError> {
        let mut rounds = 0;
        loop {
            rounds += 1;
            let attempt = match self.find(object).await? {
                None => self.create_as(object, &mut change, way).await,
                Some(found) => self.change_to(object, found, &mut change, way).await,
            };
            match attempt {
                Err(Miss::Overtaken(_)) if rounds < ROUNDS => {}
                Err(Miss::Overtaken(error) | Miss::Failed(error)) => return Err(error),
                Ok(change) => return Ok(change),
            }
        }
    }

    async fn create_as<K: Object + Clone>(
        &self,
        object: &mut K,
        change: &mut impl FnMut(&mut K),
        way: Way,
    ) -> Result<Change, Miss> {
        let mut wanted = self.changed(object, change).await?.object;
        wanted.meta_mut().resource_version = None;
        wanted.meta_mut().uid = None;
        let asked = json(&wanted)?;
        self.create(&mut wanted)
            .await
            .map_err(|error| match error {
                error @ ActionError::AlreadyExists { .. } => Miss::Overtaken(error),
                error => Miss::Failed(error),
            })?;
        *object = wanted;
        // Kinds with a status subresource drop the status of what is created.
        let status = &asked["status"];
        let is_dropped = !status.is_null() && json(object)?["status"] != *status;
        if matches!(way, Way::Patch) && is_dropped && !self.how.dry_run {
            self.status_as(object, status).await?;
        }
        Ok(Change::Created)
    }

    async fn change_to<K: Object + Clone>(
        &self,
        object: &mut K,
        found: K,
        change: &mut impl FnMut(&mut K),
        way: Way,
    ) -> Result<Change, Miss> {
        let mut versions = self.changed(&found, change).await?;
        let Versions { before, after, .. } = &versions;
        if before == after {
            *object = found;
            return Ok(Change::Unchanged);
        }
        match way {
            Way::Update => {
                self.update(&mut versions.object).await.map_err(Miss::of)?;
                *object = versions.object;
                Ok(Change::Updated)
            }
            Way::Patch => {
                let (patch, status) = parts(before, after);
                *object = found;
                if let Some(patch) = &patch {
                    let patch = Patch::Merge(patch);
                    self.patch(object, &patch).await.map_err(Miss::of)?;
                }
                if let Some(status) = &status {
                    self.status_as(object, status).await.map_err(Miss::of)?;
                }
                Ok(match patch {
                    Some(_) => Change::Updated,
                    None => Change::UpdatedStatus,
                })
            }
        }
    }

    /// Patches the status: by its subresource, or in the object where the kind has none.
    async fn status_as<K: Object + Clone>(
        &self,
        object: &mut K,
        status: &Value,
    ) -> Result<(), ActionError> {
        let patch = Patch::Merge(serde_json::json!({ "status": status }));
        let by_subresource = self.patch_status(object, &patch).await;
        match by_subresource.ignore_not_found()? {
            Some(()) => Ok(()),
            None => self.patch(object, &patch).await,
        }
    }

    /// Lets the function change a copy.
    async fn changed<K: Object + Clone>(
        &self,
        object: &K,
        change: &mut impl FnMut(&mut K),
    ) -> Result<Versions<K>, ActionError> {
        let mut changed = object.clone();
        change(&mut changed);
        let (old, new) = (object.meta(), changed.meta());
        for (field, is_kept) in [
            ("metadata.name", old.name == new.name),
            ("metadata.namespace", old.namespace == new.namespace),
        ] {
            if !is_kept {
                let kind = self.resource_of("update", object).await?.kind;
                let object = describe(&kind, old);
                return Err(ActionError::Renamed { object, field });
            }
        }
        Ok(Versions {
            before: json(object)?,
            after: json(&changed)?,
            object: changed,
        })
    }
}

/// The merge patches of an object and of its status.
fn parts(before: &Value, after: &Value) -> (Option<Value>, Option<Value>) {
    let Some(mut patch) = merge::between(before, after) else {
        return (None, None);
    };
    let status = patch
        .as_object_mut()
        .and_then(|patch| patch.remove("status"));
    (Some(patch).filter(|patch| !merge::is_empty(patch)), status)
}

fn json<K: Object>(object: &K) -> Result<Value, ActionError> {
    let value = serde_json::to_value(object);
    value.map_err(|error| sorted(kube::Error::SerdeError(error), "the object"))
}
