//! Reading many objects, page by page.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, TryStreamExt as _, stream};
use kube::api::ListParams;
use kube::core::{DynamicObject, Request};
use serde::Deserialize;
use serde_json::Value;

use super::error::sorted;
use super::object::{Object, Task, gvk, kind_of, tell_kind};
use super::{ActionError, Actions};
use crate::resource::Resource;

/// How many objects are asked for at once, unless the user says.
const PAGE: u32 = 500;

impl Actions {
    /// Lists objects of a kind: await what this gives for all of them, or take them
    /// [one by one](List::stream).
    ///
    /// # Examples
    /// ```no_run
    /// use futures::TryStreamExt as _;
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::prelude::*;
    ///
    /// # async fn f(actions: Actions) -> Result<(), ActionError> {
    /// let web: Vec<Pod> = actions.list::<Pod>().namespace("demo").labels("app=web").await?;
    ///
    /// let mut all = std::pin::pin!(actions.list::<Pod>().page_size(100).stream());
    /// while let Some(pod) = all.try_next().await? {
    ///     info!("{}", pod.name_any());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list<K>(&self) -> List<'_, K>
    where
        K: Object + kube::Resource<DynamicType = (), Scope: 'static>,
    {
        List::new(self, KindOf::Fixed(kind_of::<K>()))
    }

    /// Lists objects of a kind that is known by its names.
    ///
    /// # Examples
    /// ```no_run
    /// # use kopfrs::prelude::*;
    /// # async fn f(actions: Actions) -> Result<(), ActionError> {
    /// for object in actions.list_kind("apps/v1", "Deployment").namespace("demo").await? {
    ///     info!("{}: {}", object.name_any(), object.data["spec"]["replicas"]);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list_kind(&self, api_version: &str, kind: &str) -> List<'_, DynamicObject> {
        List::new(self, KindOf::told(api_version, kind))
    }
}

/// A kind as the caller names it.
#[derive(Clone, Debug)]
pub(super) enum KindOf {
    /// By the type of the objects.
    Fixed(Resource),
    /// By names.
    Told { api_version: String, kind: String },
}

impl KindOf {
    pub(super) fn told(api_version: &str, kind: &str) -> Self {
        Self::Told {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    pub(super) async fn resource(
        &self,
        actions: &Actions,
        verb: &'static str,
    ) -> Result<Resource, ActionError> {
        let (api_version, kind) = match self {
            Self::Fixed(resource) => return Ok(resource.clone()),
            Self::Told { api_version, kind } => (api_version, kind),
        };
        let gvk = gvk(api_version, kind).map_err(|field| ActionError::Missing {
            verb,
            object: "the kind".to_owned(),
            field,
        })?;
        actions.look_up(&gvk).await
    }
}

/// Objects of a kind: all of them, or those that are selected. Nothing is asked for before it is awaited.
///
/// # Errors
/// [`ActionError::NotFound`] if there is no such kind, [`ActionError::Invalid`] for a selector that the
/// server does not understand, [`ActionError::Expired`] if reading takes longer than the server
/// remembers, and whatever else it says.
#[must_use = "nothing is listed before it is awaited"]
pub struct List<'a, K> {
    actions: &'a Actions,
    kind: KindOf,
    namespace: Option<String>,
    params: ListParams,
    objects: PhantomData<fn() -> K>,
}

/// One page of a list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<K> {
    /// The objects.
    pub items: Vec<K>,
    /// The version of the collection.
    pub resource_version: Option<String>,
    /// What to ask for the next page with; `None` on the last one.
    pub next: Option<String>,
    /// How many objects come after this page, if the server tells.
    pub remaining: Option<i64>,
}

impl<'a, K: Object> List<'a, K> {
    fn new(actions: &'a Actions, kind: KindOf) -> Self {
        Self {
            actions,
            kind,
            namespace: None,
            params: ListParams::default().limit(PAGE),
            objects: PhantomData,
        }
    }

    /// In one namespace; in all of them otherwise.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Only those with these labels: `app=web,tier in (a, b)`.
    pub fn labels(mut self, selector: &str) -> Self {
        self.params.label_selector = Some(selector.to_owned());
        self
    }

    /// Only those with these fields: `status.phase=Running`.
    pub fn fields(mut self, selector: &str) -> Self {
        self.params.field_selector = Some(selector.to_owned());
        self
    }

    /// How many objects are asked for at once; 500 by default.
    pub fn page_size(mut self, objects: u32) -> Self {
        self.params.limit = Some(objects);
        self
    }

    /// Everything else that can be asked for. Replaces what was said about selectors and pages.
    pub fn params(mut self, params: ListParams) -> Self {
        self.params = params;
        self
    }

    /// One page: the first, or the one that `continue_token` asks for.
    ///
    /// # Errors
    /// See [`List`].
    pub async fn page(self) -> Result<Page<K>, ActionError> {
        let task = self.task().await?;
        read_page(self.actions, &task, &self.params).await
    }

    /// All objects, a page at a time, as they are wanted.
    ///
    /// # Errors
    /// See [`List`]. The stream ends with the first error.
    pub fn stream(self) -> impl Stream<Item = Result<K, ActionError>> + Send + 'a
    where
        K: Send + 'a,
    {
        let pages = stream::try_unfold(Walk::Begin(self), Walk::step);
        pages
            .map_ok(|items| stream::iter(items.into_iter().map(Ok)))
            .try_flatten()
    }

    async fn task(&self) -> Result<Task, ActionError> {
        let resource = self.kind.resource(self.actions, "list").await?;
        Ok(Task::on_all("list", resource, self.namespace.clone()))
    }
}

/// Where the reading of a list is.
enum Walk<'a, K> {
    Begin(List<'a, K>),
    Going(&'a Actions, Task, ListParams),
    End,
}

impl<K: Object> Walk<'_, K> {
    async fn step(self) -> Result<Option<(Vec<K>, Self)>, ActionError> {
        let (actions, task, mut params) = match self {
            Self::Begin(list) => {
                let task = list.task().await?;
                (list.actions, task, list.params)
            }
            Self::Going(actions, task, params) => (actions, task, params),
            Self::End => return Ok(None),
        };
        let page = read_page(actions, &task, &params).await?;
        let rest = match page.next {
            None => Self::End,
            Some(next) => {
                // A token says which version it is of.
                (params.resource_version, params.version_match) = (None, None);
                params.continue_token = Some(next);
                Self::Going(actions, task, params)
            }
        };
        Ok(Some((page.items, rest)))
    }
}

/// A list as the server sends it.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    metadata: AnswerMeta,
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnswerMeta {
    resource_version: Option<String>,
    r#continue: Option<String>,
    remaining_item_count: Option<i64>,
}

async fn read_page<K: Object>(
    actions: &Actions,
    task: &Task,
    params: &ListParams,
) -> Result<Page<K>, ActionError> {
    let request = Request::new(task.collection()).list(params);
    let answer: Answer = actions.send(request, task).await?;
    let items = answer.items.unwrap_or_default().into_iter();
    let items = items.map(|mut item| {
        // Lists say once what their items are.
        tell_kind(&mut item, &task.resource);
        serde_json::from_value(item)
    });
    let items: Result<Vec<K>, _> = items.collect();
    Ok(Page {
        items: items.map_err(|error| sorted(kube::Error::SerdeError(error), &task.what()))?,
        resource_version: answer.metadata.resource_version,
        next: answer.metadata.r#continue.filter(|token| !token.is_empty()),
        remaining: answer.metadata.remaining_item_count,
    })
}

impl<'a, K: Object + Send + 'a> IntoFuture for List<'a, K> {
    type Output = Result<Vec<K>, ActionError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.stream().try_collect().boxed()
    }
}

impl<K> fmt::Debug for List<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("kind", &self.kind)
            .field("namespace", &self.namespace)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
