//! Which objects actions can be done to, and where the API has them.

use std::any::TypeId;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, GroupVersionKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ActionError;
use crate::object::reference::describe;
use crate::resource::Resource;

/// Objects that actions can be done to: typed ones of a fixed kind, and
/// [`DynamicObject`](kube::core::DynamicObject)s, whose kind they tell themselves.
pub trait Object: kube::Resource<Scope: 'static> + Serialize + DeserializeOwned {
    /// The kind of all objects of this type, if it is fixed.
    #[doc(hidden)]
    fn fixed_kind() -> Option<Resource>;
}

impl<K> Object for K
where
    K: kube::Resource<Scope: 'static> + Serialize + DeserializeOwned,
    K::DynamicType: KindSource,
{
    fn fixed_kind() -> Option<Resource> {
        K::DynamicType::kind_of::<K>()
    }
}

/// What tells the kind of objects: their type, or each of them.
pub trait KindSource: Sized {
    /// The kind, if the type tells it.
    fn kind_of<K: kube::Resource<DynamicType = Self, Scope: 'static>>() -> Option<Resource>;
}

impl KindSource for () {
    fn kind_of<K: kube::Resource<DynamicType = Self, Scope: 'static>>() -> Option<Resource> {
        Some(kind_of::<K>())
    }
}

impl KindSource for ApiResource {
    fn kind_of<K: kube::Resource<DynamicType = Self, Scope: 'static>>() -> Option<Resource> {
        None
    }
}

/// The kind of all objects of a type.
pub(super) fn kind_of<K: kube::Resource<DynamicType = (), Scope: 'static>>() -> Resource {
    Resource {
        group: K::group(&()).into_owned(),
        version: K::version(&()).into_owned(),
        plural: K::plural(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        namespaced: TypeId::of::<K::Scope>() != TypeId::of::<ClusterResourceScope>(),
        ..Resource::default()
    }
}

/// What is to be done to which object.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) verb: &'static str,
    pub(super) subresource: Option<&'static str>,
    pub(super) resource: Resource,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
}

impl Task {
    /// A verb on an object that has a name and, where its kind has it, a namespace.
    pub(super) fn on<K: Object>(
        verb: &'static str,
        object: &K,
        resource: Resource,
    ) -> Result<Self, ActionError> {
        let task = Self::in_place_of(verb, object, resource)?;
        match &task.name {
            Some(_) => Ok(task),
            None => Err(task.lacks(object.meta(), "metadata.name")),
        }
    }

    /// A verb in the place where an object is or will be, whether it has a name or not.
    pub(super) fn in_place_of<K: Object>(
        verb: &'static str,
        object: &K,
        resource: Resource,
    ) -> Result<Self, ActionError> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let mut task = Self {
            verb,
            subresource: None,
            namespace: None,
            name: filled(&object.meta().name),
            resource,
        };
        if task.resource.namespaced {
            task.namespace = filled(&object.meta().namespace);
            if task.namespace.is_none() {
                return Err(task.lacks(object.meta(), "metadata.namespace"));
            }
        }
        Ok(task)
    }

    /// A verb on all objects of a kind, in one namespace or in all.
    pub(super) fn on_all(
        verb: &'static str,
        resource: Resource,
        namespace: Option<String>,
    ) -> Self {
        Self {
            verb,
            subresource: None,
            resource,
            namespace,
            name: None,
        }
    }

    pub(super) fn of_subresource(mut self, subresource: &'static str) -> Self {
        self.subresource = Some(subresource);
        self
    }

    /// The error for a field that the object lacks.
    pub(super) fn lacks(&self, meta: &ObjectMeta, field: &'static str) -> ActionError {
        ActionError::Missing {
            verb: self.verb,
            object: describe(&self.resource.kind, meta),
            field,
        }
    }

    /// The path of the collection that the object is in.
    pub(super) fn collection(&self) -> String {
        self.resource.path(self.namespace.as_deref(), None)
    }

    /// The name; empty where there is none.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// `Pod demo/web`, `pods in demo`, `pods`.
    pub(super) fn what(&self) -> String {
        let Resource { kind, plural, .. } = &self.resource;
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
            (None, Some(name)) => format!("{kind} {name}"),
            (Some(namespace), None) => format!("{plural} in {namespace}"),
            (None, None) => plural.clone(),
        }
    }
}

/// The kind that an object tells of itself.
pub(super) fn told<K: Object>(
    verb: &'static str,
    object: &K,
) -> Result<GroupVersionKind, ActionError> {
    let types = types(object);
    let (api_version, kind) = types.unwrap_or_default();
    gvk(&api_version, &kind).map_err(|field| ActionError::Missing {
        verb,
        object: describe(&kind_name(object), object.meta()),
        field,
    })
}

/// The kind of an object, for people.
pub(super) fn kind_name<K: Object>(object: &K) -> String {
    if let Some(fixed) = K::fixed_kind() {
        return fixed.kind;
    }
    let told = types(object).map(|(_, kind)| kind);
    let told = told.filter(|kind| !kind.is_empty());
    told.unwrap_or_else(|| "object".to_owned())
}

/// `apiVersion` and `kind`, as the object tells them.
pub(super) fn types<K: Serialize>(object: &K) -> Option<(String, String)> {
    let value = serde_json::to_value(object).ok()?;
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    Some((text("apiVersion"), text("kind")))
}

/// Takes `apiVersion` apart.
///
/// # Errors
/// The field that is missing.
pub(super) fn gvk(api_version: &str, kind: &str) -> Result<GroupVersionKind, &'static str> {
    if kind.is_empty() {
        return Err("kind");
    }
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    if version.is_empty() {
        return Err("apiVersion");
    }
    Ok(GroupVersionKind::gvk(group, version, kind))
}

/// The object as JSON with its apiVersion and kind, which typed objects may leave out.
pub(in crate::api) fn with_types<K: Serialize>(
    object: &K,
    resource: &Resource,
) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(object)?;
    tell_kind(&mut value, resource);
    Ok(value)
}

/// Lets an object tell its kind.
pub(super) fn tell_kind(object: &mut Value, resource: &Resource) {
    if let Some(map) = object.as_object_mut() {
        map.entry("apiVersion")
            .or_insert_with(|| resource.api_version().into());
        map.entry("kind")
            .or_insert_with(|| resource.kind.clone().into());
    }
}
