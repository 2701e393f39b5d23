//! Deleting objects, one or many.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::api::{DeleteParams, ListParams, PropagationPolicy};
use kube::core::{DynamicObject, Request};
use serde_json::Value;

use super::list::KindOf;
use super::object::{Object, Task, kind_of};
use super::{ActionError, Actions};

impl Actions {
    /// Deletes an object, by the name and namespace that it has; what it owns goes after it.
    ///
    /// # Errors
    /// [`ActionError::Missing`] without a name or namespace, [`ActionError::NotFound`] and whatever
    /// else the server says.
    pub async fn delete<K: Object>(&self, object: &K) -> Result<(), ActionError> {
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        self.delete_with(object, &params).await
    }

    /// Deletes an object as told: with a grace period in seconds, preconditions, and what becomes of what
    /// it owns.
    ///
    /// # Errors
    /// As [`delete`](Actions::delete); [`ActionError::Conflict`] if a precondition does not hold.
    ///
    /// # Examples
    /// ```no_run
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::api::{ActionError, Actions};
    /// use kube::api::{DeleteParams, Preconditions};
    ///
    /// # async fn f(actions: Actions, pod: Pod) -> Result<(), ActionError> {
    /// let this_one = Preconditions { uid: pod.metadata.uid.clone(), resource_version: None };
    /// let params = DeleteParams::foreground().grace_period(5).preconditions(this_one);
    /// actions.delete_with(&pod, &params).await?;
    /// # Ok(()) }
    /// ```
    pub async fn delete_with<K: Object>(
        &self,
        object: &K,
        params: &DeleteParams,
    ) -> Result<(), ActionError> {
        let resource = self.resource_of("delete", object).await?;
        let task = Task::on("delete", object, resource)?;
        let request = Request::new(task.collection()).delete(task.name(), &self.dry(params));
        // The answer is the object or a status, as the kind has it.
        self.send::<Value>(request, &task).await.map(drop)
    }

    /// Deletes all objects of a kind in a namespace, or those that are selected: await what this gives.
    ///
    /// # Examples
    /// ```no_run
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::api::{ActionError, Actions};
    ///
    /// # async fn f(actions: Actions) -> Result<(), ActionError> {
    /// actions.delete_all_of::<Pod>().namespace("demo").labels("app=web").await?;
    /// # Ok(()) }
    /// ```
    pub fn delete_all_of<K>(&self) -> DeleteAllOf<'_, K>
    where
        K: Object + kube::Resource<DynamicType = (), Scope: 'static>,
    {
        DeleteAllOf::new(self, KindOf::Fixed(kind_of::<K>()))
    }

    /// Deletes all objects of a kind that is known by its names: await what this gives.
    pub fn delete_all_of_kind(
        &self,
        api_version: &str,
        kind: &str,
    ) -> DeleteAllOf<'_, DynamicObject> {
        DeleteAllOf::new(self, KindOf::told(api_version, kind))
    }

    fn dry(&self, params: &DeleteParams) -> DeleteParams {
        DeleteParams {
            dry_run: params.dry_run || self.how.dry_run,
            ..params.clone()
        }
    }
}

/// Deletes many objects at once when it is awaited.
///
/// # Errors
/// [`ActionError::Missing`] without a namespace for a kind that has them: the API deletes within one
/// namespace. [`ActionError::Invalid`] for a selector that the server does not understand, and whatever
/// else it says.
#[must_use = "nothing is deleted before it is awaited"]
pub struct DeleteAllOf<'a, K> {
    actions: &'a Actions,
    kind: KindOf,
    namespace: Option<String>,
    which: ListParams,
    how: DeleteParams,
    objects: PhantomData<fn() -> K>,
}

impl<'a, K: Object> DeleteAllOf<'a, K> {
    fn new(actions: &'a Actions, kind: KindOf) -> Self {
        let how = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        Self {
            actions,
            kind,
            namespace: None,
            which: ListParams::default(),
            how,
            objects: PhantomData,
        }
    }

    /// In which namespace; none for cluster-scoped kinds.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Only those with these labels: `app=web,tier in (a, b)`.
    pub fn labels(mut self, selector: &str) -> Self {
        self.which.label_selector = Some(selector.to_owned());
        self
    }

    /// Only those with these fields: `metadata.name=a`.
    pub fn fields(mut self, selector: &str) -> Self {
        self.which.field_selector = Some(selector.to_owned());
        self
    }

    /// How each is deleted.
    pub fn params(mut self, params: DeleteParams) -> Self {
        self.how = params;
        self
    }

    async fn run(self) -> Result<(), ActionError> {
        let verb = "delete_all_of";
        let resource = self.kind.resource(self.actions, verb).await?;
        if resource.namespaced && self.namespace.is_none() {
            return Err(ActionError::Missing {
                verb,
                object: resource.plural,
                field: "namespace (set it with .namespace(…))",
            });
        }
        let task = Task::on_all(verb, resource, self.namespace);
        let params = self.actions.dry(&self.how);
        let request = Request::new(task.collection()).delete_collection(&params, &self.which);
        self.actions.send::<Value>(request, &task).await.map(drop)
    }
}

impl<'a, K: Object + 'a> IntoFuture for DeleteAllOf<'a, K> {
    type Output = Result<(), ActionError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}

impl<K> fmt::Debug for DeleteAllOf<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteAllOf")
            .field("kind", &self.kind)
            .field("namespace", &self.namespace)
            .field("which", &self.which)
            .finish_non_exhaustive()
    }
}
