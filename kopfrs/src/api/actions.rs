//! What handlers do to other objects: the one door for writes.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use http::{Method, Request, header};
use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PropagationPolicy};
use kube::core::Resource;
use kube::{Client, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::action_error::{ActionError, sorted};
use crate::cause::ObjectCause;
use crate::extract::{ArgError, Argument, Extract};
use crate::handler::{Family, Invocation};
use crate::object::Body;

/// Creates, reads and deletes objects, and makes them children of the one that is being handled.
///
/// An argument of every handler; outside of handlers it is made of any [`Client`]. On success the
/// local object is what the server has stored. What is missing in an object is told before any
/// request.
///
/// # Examples
/// ```no_run
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::api::{ActionError, Actions};
///
/// # async fn f(client: kube::Client) -> Result<(), ActionError> {
/// let actions = Actions::new(client);
/// let mut map = ConfigMap::default();
/// map.metadata.name = Some("settings".into());
/// map.metadata.namespace = Some("demo".into());
/// actions.create(&mut map).await?;
/// assert!(map.metadata.uid.is_some());
/// actions.delete(&map).await.ignore_not_found()?;
/// # Ok(()) }
/// # use kopfrs::api::ActionResultExt as _;
/// ```
#[derive(Clone)]
pub struct Actions {
    client: Client,
    owner: Option<Body>,
}

/// Objects that actions can be done to: typed ones of a fixed kind.
pub trait Object:
    Resource<DynamicType = (), Scope: 'static> + Serialize + DeserializeOwned
{
}

impl<K: Resource<DynamicType = (), Scope: 'static> + Serialize + DeserializeOwned> Object for K {}

impl Actions {
    /// Actions by a client, for nobody in particular.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            owner: None,
        }
    }

    /// Sets the object that others are adopted for.
    pub fn with_owner(mut self, owner: Body) -> Self {
        self.owner = Some(owner);
        self
    }

    /// The client behind the actions.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Creates an object; it becomes what the server has stored, with its name if that was generated.
    ///
    /// # Errors
    /// [`ActionError::Missing`] if it has neither `name` nor `generateName`, or lacks its namespace;
    /// [`ActionError::AlreadyExists`] and whatever else the server says.
    pub async fn create<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let what = describe(object.meta(), &K::kind(&()));
        if object.meta().name.is_none() && object.meta().generate_name.is_none() {
            let field = "metadata.name (nor metadata.generateName)";
            return Err(ActionError::Missing {
                verb: "create",
                object: what,
                field,
            });
        }
        let path = K::url_path(&(), namespace_of::<K>(object.meta(), "create", &what)?);
        let body = with_types(object, &what)?;
        *object = self.send(Method::POST, &path, Some(body), &what).await?;
        Ok(())
    }

    /// Reads an object anew, by the name and namespace that it has.
    ///
    /// # Errors
    /// [`ActionError::Missing`] without a name or namespace, [`ActionError::NotFound`] and whatever
    /// else the server says.
    pub async fn get<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let what = describe(object.meta(), &K::kind(&()));
        let path = path_of::<K>(object.meta(), "get", &what)?;
        *object = self.send(Method::GET, &path, None, &what).await?;
        Ok(())
    }

    /// Deletes an object, by the name and namespace that it has; what it owns goes after it.
    ///
    /// # Errors
    /// [`ActionError::Missing`] without a name or namespace, [`ActionError::NotFound`] and whatever
    /// else the server says.
    pub async fn delete<K: Object>(&self, object: &K) -> Result<(), ActionError> {
        let what = describe(object.meta(), &K::kind(&()));
        let path = path_of::<K>(object.meta(), "delete", &what)?;
        let options = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let options = serde_json::to_vec(&options).unwrap_or_default();
        // The answer is the object or a status, as the kind has it.
        self.send::<Value>(Method::DELETE, &path, Some(options), &what)
            .await
            .map(drop)
    }

    /// Makes an object a child of the one that is being handled: owner reference, namespace, labels,
    /// and a name made of the owner's where it has none. What it has of its own stays.
    ///
    /// # Errors
    /// [`ActionError::NoOwner`] outside of handlers of objects; [`ActionError::Adoption`] if the owner
    /// is namespaced and the child would not be in its namespace.
    pub fn adopt<K: Object>(&self, object: &mut K) -> Result<(), ActionError> {
        let owner = self.owner.as_ref().ok_or(ActionError::NoOwner)?;
        let refuse = |object: &K, reason| ActionError::Adoption {
            object: describe(object.meta(), &K::kind(&())),
            owner: format!("{} {}", owner.kind(), owner.key()),
            reason,
        };
        if let Some(namespace) = owner.namespace() {
            if is_cluster_scoped::<K>() {
                return Err(refuse(
                    object,
                    "the owner is namespaced, the kind of the object is not",
                ));
            }
            if object
                .meta()
                .namespace
                .as_deref()
                .is_some_and(|own| own != namespace)
            {
                return Err(refuse(object, "they are in different namespaces"));
            }
            object.meta_mut().namespace = Some(namespace.to_owned());
        }
        if object.meta().name.is_none() && object.meta().generate_name.is_none() {
            object.meta_mut().generate_name = Some(format!("{}-", owner.name()));
        }
        for (key, value) in owner.labels().as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            object
                .labels_mut()
                .entry(key.clone())
                .or_insert_with(|| value.to_owned());
        }
        let reference = serde_json::from_value(crate::object::reference::owner_reference(owner));
        let reference =
            reference.map_err(|_| refuse(object, "the owner has no kind, name or uid"))?;
        let owners = object.owner_references_mut();
        owners.retain(|known| known.uid != owner.uid());
        owners.push(reference);
        Ok(())
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        what: &str,
    ) -> Result<T, ActionError> {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(body.unwrap_or_default())
            .map_err(|error| sorted(kube::Error::HttpError(error), what))?;
        self.client
            .request(request)
            .await
            .map_err(|error| sorted(error, what))
    }
}

/// `Pod demo/web`.
fn describe(meta: &ObjectMeta, kind: &str) -> String {
    let name = meta
        .name
        .as_deref()
        .or(meta.generate_name.as_deref())
        .unwrap_or("(unnamed)");
    match &meta.namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

fn is_cluster_scoped<K: Object>() -> bool {
    TypeId::of::<K::Scope>() == TypeId::of::<ClusterResourceScope>()
}

fn namespace_of<'a, K: Object>(
    meta: &'a ObjectMeta,
    verb: &'static str,
    what: &str,
) -> Result<Option<&'a str>, ActionError> {
    match meta.namespace.as_deref() {
        _ if is_cluster_scoped::<K>() => Ok(None),
        None => Err(ActionError::Missing {
            verb,
            object: what.to_owned(),
            field: "metadata.namespace",
        }),
        namespace => Ok(namespace),
    }
}

fn path_of<K: Object>(
    meta: &ObjectMeta,
    verb: &'static str,
    what: &str,
) -> Result<String, ActionError> {
    let Some(name) = meta.name.as_deref() else {
        return Err(ActionError::Missing {
            verb,
            object: what.to_owned(),
            field: "metadata.name",
        });
    };
    Ok(format!(
        "{}/{name}",
        K::url_path(&(), namespace_of::<K>(meta, verb, what)?)
    ))
}

/// The object as JSON with its apiVersion and kind, which typed objects may leave out.
fn with_types<K: Object>(object: &K, what: &str) -> Result<Vec<u8>, ActionError> {
    let failed = |error| sorted(kube::Error::SerdeError(error), what);
    let mut value = serde_json::to_value(object).map_err(failed)?;
    if let Some(map) = value.as_object_mut() {
        map.entry("apiVersion")
            .or_insert_with(|| K::api_version(&()).into_owned().into());
        map.entry("kind")
            .or_insert_with(|| K::kind(&()).into_owned().into());
    }
    serde_json::to_vec(&value).map_err(failed)
}

impl<'a, C: Family + ObjectCause> Extract<'a, C> for Actions {
    fn extract(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let client = invocation.environment.client();
        let client = client.ok_or_else(|| argument.error("there is no client before login"))?;
        Ok(Self::new(client.clone()).with_owner(invocation.cause.body().clone()))
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
