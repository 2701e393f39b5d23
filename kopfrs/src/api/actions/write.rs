//! Storing objects: created, replaced, patched, applied.

use std::sync::LazyLock;

use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use serde::Serialize;
use serde_json::Value;

use super::error::sorted;
use super::object::{Object, Task, with_types};
use super::{ActionError, Actions};

/// The longest name that a field manager may have.
const MANAGER_LIMIT: usize = 128;

/// Who we are in `managedFields`: the name of the program.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let program = std::env::current_exe().ok();
    let name = program
        .as_deref()
        .and_then(|path| path.file_stem()?.to_str());
    name.unwrap_or("kopfrs")
        .chars()
        .take(MANAGER_LIMIT)
        .collect()
});

/// The name of the program.
pub(crate) fn program() -> &'static str {
    &PROGRAM
}

impl Actions {
    /// Creates an object; it becomes what the server has stored, with its name if that was generated.
    ///
    /// # Errors
    /// [`ActionError::Missing`] if it has neither `name` nor `generateName`, or lacks its namespace;
    /// [`ActionError::AlreadyExists`] and whatever else the server says.
    pub async fn create<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let resource = self.resource_of("create", object).await?;
        let task = Task::in_place_of("create", object, resource)?;
        let is_named = task.name.is_some()
            || object
                .meta()
                .generate_name
                .as_ref()
                .is_some_and(|prefix| !prefix.is_empty());
        if !is_named {
            let field = "metadata.name (nor metadata.generateName)";
            return Err(task.lacks(object.meta(), field));
        }
        let body = body(object, &task)?;
        let request = Request::new(task.collection()).create(&self.post_params(), body);
        *object = self.send(request, &task).await?;
        Ok(())
    }

    /// Replaces an object by the given one, which becomes what the server has stored.
    ///
    /// With a `resourceVersion` this succeeds only if nobody has changed the object since; custom
    /// resources demand one. The status is left alone where the kind has a subresource for it.
    ///
    /// # Errors
    /// [`ActionError::Missing`] without a name or namespace, [`ActionError::Conflict`] and whatever else
    /// the server says.
    pub async fn update<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let resource = self.resource_of("update", object).await?;
        let task = Task::on("update", object, resource)?;
        let body = body(object, &task)?;
        let request =
            Request::new(task.collection()).replace(task.name(), &self.post_params(), body);
        *object = self.send(request, &task).await?;
        Ok(())
    }

    /// Replaces the status of an object, and nothing else of it. The given object becomes what the
    /// server has stored.
    ///
    /// # Errors
    /// As [`update`](Actions::update); [`ActionError::NotFound`] also if the kind has no status
    /// subresource.
    pub async fn update_status<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let resource = self.resource_of("update", object).await?;
        let task = Task::on("update", object, resource)?.of_subresource("status");
        let body = body(object, &task)?;
        let request = Request::new(task.collection()).replace_subresource(
            "status",
            task.name(),
            &self.post_params(),
            body,
        );
        *object = self.send(request, &task).await?;
        Ok(())
    }

    /// Patches an object by its name and namespace; it becomes what the server has stored.
    ///
    /// # Errors
    /// [`ActionError::Missing`] without a name or namespace, [`ActionError::NotFound`],
    /// [`ActionError::Invalid`] if the patch does not fit, and whatever else the server says.
    ///
    /// # Examples
    /// ```no_run
    /// use k8s_openapi::api::apps::v1::Deployment;
    /// use kopfrs::api::{ActionError, Actions};
    /// use kube::api::Patch;
    /// use serde_json::json;
    ///
    /// # async fn f(actions: Actions, mut deployment: Deployment) -> Result<(), ActionError> {
    /// let patch = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
    /// actions.patch(&mut deployment, &patch).await?;
    /// # Ok(()) }
    /// ```
    pub async fn patch<K: Object, P: Serialize>(
        &self,
        object: &mut K,
        patch: &Patch<P>,
    ) -> Result<(), ActionError> {
        let resource = self.resource_of("patch", object).await?;
        let task = Task::on("patch", object, resource)?;
        let params = self.patch_params(matches!(patch, Patch::Apply(_)));
        let request = Request::new(task.collection()).patch(task.name(), &params, patch);
        *object = self.send(request, &task).await?;
        Ok(())
    }

    /// Patches the status of an object, and nothing else of it. The given object becomes what the
    /// server has stored.
    ///
    /// # Errors
    /// As [`patch`](Actions::patch); [`ActionError::NotFound`] also if the kind has no status
    /// subresource.
    pub async fn patch_status<K: Object, P: Serialize>(
        &self,
        object: &mut K,
        patch: &Patch<P>,
    ) -> Result<(), ActionError> {
        let resource = self.resource_of("patch", object).await?;
        let task = Task::on("patch", object, resource)?.of_subresource("status");
        let params = self.patch_params(matches!(patch, Patch::Apply(_)));
        let request = Request::new(task.collection()).patch_subresource(
            "status",
            task.name(),
            &params,
            patch,
        );
        *object = self.send(request, &task).await?;
        Ok(())
    }

    /// Applies an object, server-side: it is created if it is not there, the fields that it has become
    /// ours, and fields that were ours and that it has no more are removed. It becomes what the server
    /// has stored.
    ///
    /// Apply what you mean, not what you have read: of an object that was read every field would become
    /// ours.
    ///
    /// # Errors
    /// [`ActionError::Missing`] without a name or namespace; [`ActionError::Conflict`] if another manager
    /// has a field and says otherwise, unless by [`force`](Actions::force); and whatever else the server
    /// says.
    pub async fn apply<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let resource = self.resource_of("patch", object).await?;
        let task = Task::on("patch", object, resource)?;
        let patch = Patch::Apply(applied(object, &task)?);
        let params = self.patch_params(true);
        let request = Request::new(task.collection()).patch(task.name(), &params, &patch);
        *object = self.send(request, &task).await?;
        Ok(())
    }

    /// Applies the status of an object, server-side. The given object becomes what the server has stored.
    ///
    /// # Errors
    /// As [`apply`](Actions::apply); [`ActionError::NotFound`] also if the object is not there, or if its
    /// kind has no status subresource.
    pub async fn apply_status<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let resource = self.resource_of("patch", object).await?;
        let task = Task::on("patch", object, resource)?.of_subresource("status");
        let patch = Patch::Apply(applied(object, &task)?);
        let params = self.patch_params(true);
        let request = Request::new(task.collection()).patch_subresource(
            "status",
            task.name(),
            &params,
            &patch,
        );
        *object = self.send(request, &task).await?;
        Ok(())
    }

    fn manager(&self) -> String {
        let own = self.how.field_manager.as_ref();
        own.unwrap_or(&PROGRAM).clone()
    }

    fn post_params(&self) -> PostParams {
        PostParams {
            dry_run: self.how.dry_run,
            field_manager: Some(self.manager()),
        }
    }

    fn patch_params(&self, is_apply: bool) -> PatchParams {
        PatchParams {
            dry_run: self.how.dry_run,
            force: self.how.force && is_apply,
            field_manager: Some(self.manager()),
            field_validation: self.how.field_validation.clone(),
        }
    }
}

fn body<K: Object>(object: &K, task: &Task) -> Result<Vec<u8>, ActionError> {
    let value = with_types(object, &task.resource);
    let bytes = value.and_then(|value| serde_json::to_vec(&value));
    bytes.map_err(|error| sorted(kube::Error::SerdeError(error), &task.what()))
}

/// What of an object can be applied: not what tells who has which field.
fn applied<K: Object>(object: &K, task: &Task) -> Result<Value, ActionError> {
    let value = with_types(object, &task.resource);
    let mut value = value.map_err(|error| sorted(kube::Error::SerdeError(error), &task.what()))?;
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    Ok(value)
}
