//! Reading one object.

use kube::api::GetParams;
use kube::core::Request;

use super::object::{Object, Task};
use super::{ActionError, ActionResultExt as _, Actions};

impl Actions {
    /// Reads an object anew, by the name and namespace that it has.
    ///
    /// # Errors
    /// [`ActionError::Missing`] without a name or namespace, [`ActionError::NotFound`] and whatever
    /// else the server says.
    pub async fn get<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        self.get_with(object, &GetParams::default()).await
    }

    /// Reads an object anew, of a version that is not older than the one asked for: `0` for whatever
    /// the server has at hand.
    ///
    /// # Errors
    /// As [`get`](Actions::get).
    pub async fn get_with<K: Object>(
        &self,
        object: &mut K,
        params: &GetParams,
    ) -> Result<(), ActionError> {
        let resource = self.resource_of("get", object).await?;
        let task = Task::on("get", object, resource)?;
        let request = Request::new(task.collection()).get(task.name(), params);
        *object = self.send(request, &task).await?;
        Ok(())
    }

    /// Reads an object as it is stored now; the given one stays as it is. `None` if there is none.
    ///
    /// # Errors
    /// As [`get`](Actions::get), without [`ActionError::NotFound`].
    ///
    /// # Examples
    /// ```no_run
    /// use k8s_openapi::api::core::v1::Secret;
    /// use kopfrs::prelude::*;
    ///
    /// # async fn f(actions: Actions) -> Result<(), ActionError> {
    /// let mut wanted = Secret::default();
    /// wanted.metadata.name = Some("password".into());
    /// wanted.metadata.namespace = Some("demo".into());
    /// if let Some(secret) = actions.find(&wanted).await? {
    ///     info!("it has {} keys", secret.data.unwrap_or_default().len());
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn find<K: Object>(&self, object: &K) -> Result<Option<K>, ActionError> {
        let resource = self.resource_of("get", object).await?;
        let task = Task::on("get", object, resource)?;
        let request = Request::new(task.collection()).get(task.name(), &GetParams::default());
        self.send(request, &task).await.ignore_not_found()
    }
}
