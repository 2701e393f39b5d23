//! What handlers do to other objects: the one door for writes.

mod adopt;
mod delete;
mod error;
mod event;
mod list;
mod object;
mod read;
mod upsert;
mod write;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::{Request, Uri};
use kube::Client;
use kube::core::GroupVersionKind;
use kube::core::params::ValidationDirective;
use kube::discovery::Scope;
use kube::error::DiscoveryError;
use serde::de::DeserializeOwned;

pub use self::delete::DeleteAllOf;
pub use self::error::{ActionError, ActionResultExt};
pub(crate) use self::event::Notes;
pub use self::event::{Note, Severity};
pub use self::list::{List, Page};
pub use self::object::{KindSource, Object};
pub use self::upsert::Change;
pub(crate) use self::write::program;

use self::error::{outcome, sorted};
pub(in crate::api) use self::object::with_types;
use self::object::{Task, told};
use super::RequestCounts;
use crate::cause::ObjectCause;
use crate::extract::{ArgError, Argument, Extract};
use crate::handler::{Family, Invocation};
use crate::object::Body;
use crate::resource::Resource;

/// Creates, reads, changes and deletes objects, and makes them children of the one that is being
/// handled.
///
/// An argument of every handler of objects; outside of handlers it is made of any [`Client`]. Objects
/// are typed ones, or [`DynamicObject`](kube::core::DynamicObject)s that tell their `apiVersion` and
/// `kind`. On success the local object is what the server has stored. What is missing in an object is
/// told before any request.
///
/// Requests are not repeated here: an [`ActionError`] that a handler returns with `?` makes the
/// framework call the handler again later.
///
/// # Examples
/// ```no_run
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::api::{ActionError, Actions, Change};
///
/// # async fn f(client: kube::Client) -> Result<(), ActionError> {
/// let actions = Actions::new(client);
/// let mut map = ConfigMap::default();
/// map.metadata.name = Some("settings".into());
/// map.metadata.namespace = Some("demo".into());
/// let change = actions
///     .create_or_update(&mut map, |map| {
///         map.data.get_or_insert_default().insert("colour".into(), "blue".into());
///     })
///     .await?;
/// assert!(matches!(change, Change::Created | Change::Updated | Change::Unchanged));
/// assert!(map.metadata.uid.is_some());
/// actions.delete(&map).await.ignore_not_found()?;
/// # Ok(()) }
/// # use kopfrs::api::ActionResultExt as _;
/// ```
#[derive(Clone)]
pub struct Actions {
    client: Client,
    owner: Option<Body>,
    how: How,
    shared: Arc<Common>,
}

/// How requests are made.
#[derive(Clone, Debug, Default)]
struct How {
    dry_run: bool,
    force: bool,
    field_manager: Option<String>,
    field_validation: Option<ValidationDirective>,
}

/// What all actions of an operator share.
#[derive(Debug, Default)]
pub(crate) struct Common {
    pub(crate) counts: RequestCounts,
    /// Kinds of dynamic objects that were looked up.
    kinds: Mutex<HashMap<GroupVersionKind, Resource>>,
    /// Who writes events; nobody outside of handlers.
    pub(crate) notes: OnceLock<Notes>,
}

impl Actions {
    /// Actions by a client, for nobody in particular.
    pub fn new(client: Client) -> Self {
        Self::sharing(client, Arc::default())
    }

    pub(crate) fn sharing(client: Client, shared: Arc<Common>) -> Self {
        Self {
            client,
            owner: None,
            how: How::default(),
            shared,
        }
    }

    /// Sets the object that others are adopted for.
    pub fn with_owner(mut self, owner: Body) -> Self {
        self.owner = Some(owner);
        self
    }

    /// The same actions, but nothing is stored: the server does all checks and answers with what it
    /// would have stored.
    pub fn dry_run(mut self) -> Self {
        self.how.dry_run = true;
        self
    }

    /// The same actions under another name in `metadata.managedFields`; at most 128 characters. It is
    /// the name of the program otherwise.
    pub fn field_manager(mut self, name: impl Into<String>) -> Self {
        self.how.field_manager = Some(name.into());
        self
    }

    /// The same actions, where [`apply`](Actions::apply) takes fields away from other managers instead
    /// of failing with a conflict.
    pub fn force(mut self) -> Self {
        self.how.force = true;
        self
    }

    /// The same actions, where the server does as told with fields that the schema does not know or
    /// that are there twice: refuse the request, warn, or ignore them. It warns otherwise.
    pub fn field_validation(mut self, directive: ValidationDirective) -> Self {
        self.how.field_validation = Some(directive);
        self
    }

    /// The client behind the actions.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How often what was done: by all handlers and by the operator itself in a handler, by these
    /// actions and their clones elsewhere.
    pub fn counts(&self) -> &RequestCounts {
        &self.shared.counts
    }

    /// The kind of an object: fixed by its type, or looked up by what the object tells.
    async fn resource_of<K: Object>(
        &self,
        verb: &'static str,
        object: &K,
    ) -> Result<Resource, ActionError> {
        match K::fixed_kind() {
            Some(resource) => Ok(resource),
            None => self.look_up(&told(verb, object)?).await,
        }
    }

    /// Asks the server where it has a kind; it is remembered.
    async fn look_up(&self, gvk: &GroupVersionKind) -> Result<Resource, ActionError> {
        let known = || {
            self.shared
                .kinds
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(resource) = known().get(gvk) {
            return Ok(resource.clone());
        }
        let found = kube::discovery::pinned_kind(&self.client, gvk).await;
        let (found, capabilities) = found.map_err(|error| match error {
            kube::Error::Discovery(DiscoveryError::MissingKind(_)) => ActionError::unknown(gvk),
            kube::Error::Api(status) if status.code == 404 => ActionError::unknown(gvk),
            error => sorted(error, &gvk.kind),
        })?;
        let resource = Resource {
            group: found.group,
            version: found.version,
            plural: found.plural,
            kind: found.kind,
            namespaced: capabilities.scope == Scope::Namespaced,
            ..Resource::default()
        };
        known().insert(gvk.clone(), resource.clone());
        Ok(resource)
    }

    /// Sends a request, and counts it.
    async fn send<T: DeserializeOwned>(
        &self,
        request: Result<Request<Vec<u8>>, kube::core::request::Error>,
        task: &Task,
    ) -> Result<T, ActionError> {
        let what = task.what();
        let mut request =
            request.map_err(|error| sorted(kube::Error::BuildRequest(error), &what))?;
        if let Some(directive) = &self.how.field_validation {
            validate_fields(&mut request, directive);
        }
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let answer = self.client.request(request).await;
        self.shared
            .counts
            .add(&method, &uri.to_string(), outcome(answer.as_ref().err()));
        answer.map_err(|error| sorted(error, &what))
    }
}

/// Adds the directive to the query of a request that stores an object, unless it has one already.
fn validate_fields(request: &mut Request<Vec<u8>>, directive: &ValidationDirective) {
    let stores = matches!(request.method().as_str(), "POST" | "PUT" | "PATCH");
    let uri = request.uri().to_string();
    if !stores || uri.contains("fieldValidation=") {
        return;
    }
    let separator = match uri.find('?') {
        None => "?",
        Some(at) if at + 1 == uri.len() => "",
        Some(_) => "&",
    };
    let uri = format!("{uri}{separator}fieldValidation={}", directive.as_str());
    if let Ok(uri) = uri.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
}

impl<'a, C: Family + ObjectCause> Extract<'a, C> for Actions {
    fn extract(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let environment = &invocation.environment;
        let client = environment.client();
        let client = client.ok_or_else(|| argument.error("there is no client before login"))?;
        let shared = environment.aspects.get_or_default::<Common>();
        Ok(Self::sharing(client.clone(), shared).with_owner(invocation.cause.body().clone()))
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions")
            .field("owner", &self.owner)
            .field("how", &self.how)
            .finish_non_exhaustive()
    }
}
