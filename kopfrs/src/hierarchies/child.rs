//! Objects that become children: typed ones and JSON, one or many.

use std::any::TypeId;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::HierarchyError;
use super::owner::{Labels, via};
use crate::object::FieldPath;
use crate::object::reference::describe;

/// Kinds of Kubernetes itself that are not namespaced, with their groups.
const CLUSTER_SCOPED: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding",
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    ("networking.k8s.io", "IngressClass"),
    ("node.k8s.io", "RuntimeClass"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "VolumeAttachment"),
];

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// They do not.
    Cluster,
    /// They do, or it is not known.
    Other,
}

/// What is told of an object.
#[derive(Clone, Debug)]
pub struct About {
    pub(super) name: String,
    pub(super) scope: Scope,
}

/// An object whose metadata can be changed.
///
/// Not to be implemented by users: see [`Children`].
pub trait Child {
    /// What it is.
    #[doc(hidden)]
    fn about(&self) -> About;

    /// Changes its metadata; on an error it stays as it is.
    #[doc(hidden)]
    fn edit(
        &mut self,
        change: &mut dyn FnMut(&mut ObjectMeta) -> Result<(), HierarchyError>,
    ) -> Result<(), HierarchyError>;

    /// Labels what is in some of its fields, where that is there.
    #[doc(hidden)]
    fn label_nested(
        &mut self,
        fields: &[FieldPath],
        labels: &Labels,
        is_forced: bool,
    ) -> Result<(), HierarchyError>;
}

/// What can become children: a mutable reference to a typed object, to a
/// [`DynamicObject`](kube::core::DynamicObject) or to JSON, and whatever gives such references: `&mut`
/// of vectors, arrays and slices, and iterators.
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made children",
    label = "not a mutable reference to objects",
    note = "children are `&mut K` where `K: kube::Resource + Serialize + DeserializeOwned`, `&mut serde_json::Value`, or what gives such references: `&mut Vec<K>`, `list.iter_mut()`"
)]
pub trait Children<M> {
    /// Does something to each of them, until that fails.
    #[doc(hidden)]
    fn each(
        self,
        act: &mut dyn FnMut(&mut dyn Child) -> Result<(), HierarchyError>,
    ) -> Result<(), HierarchyError>;
}

#[diagnostic::do_not_recommend]
impl<K> Children<via::Typed> for &mut K
where
    K: kube::Resource<Scope: 'static> + Serialize + DeserializeOwned,
{
    fn each(
        self,
        act: &mut dyn FnMut(&mut dyn Child) -> Result<(), HierarchyError>,
    ) -> Result<(), HierarchyError> {
        act(&mut Typed(self))
    }
}

#[diagnostic::do_not_recommend]
impl Children<via::Json> for &mut Value {
    fn each(
        self,
        act: &mut dyn FnMut(&mut dyn Child) -> Result<(), HierarchyError>,
    ) -> Result<(), HierarchyError> {
        match self {
            Value::Array(objects) => objects.iter_mut().try_for_each(|object| object.each(act)),
            object => act(&mut Json(object)),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<M, I> Children<via::Many<M>> for I
where
    I: IntoIterator,
    I::Item: Children<M>,
{
    fn each(
        self,
        act: &mut dyn FnMut(&mut dyn Child) -> Result<(), HierarchyError>,
    ) -> Result<(), HierarchyError> {
        self.into_iter().try_for_each(|object| object.each(act))
    }
}

/// A typed object.
struct Typed<'a, K>(&'a mut K);

impl<K> Typed<'_, K>
where
    K: kube::Resource<Scope: 'static> + Serialize + DeserializeOwned,
{
    fn misfit(&self, error: &serde_json::Error) -> HierarchyError {
        HierarchyError::Shape {
            object: self.about().name,
            message: error.to_string(),
        }
    }
}

impl<K> Child for Typed<'_, K>
where
    K: kube::Resource<Scope: 'static> + Serialize + DeserializeOwned,
{
    fn about(&self) -> About {
        // Dynamic objects tell their kind like those in JSON.
        let types = serde_json::to_value(&*self.0).unwrap_or_default();
        let is_cluster_scoped = TypeId::of::<K::Scope>() == TypeId::of::<ClusterResourceScope>();
        About {
            name: describe(kind(&types), self.0.meta()),
            scope: if is_cluster_scoped {
                Scope::Cluster
            } else {
                scope(&types)
            },
        }
    }

    fn edit(
        &mut self,
        change: &mut dyn FnMut(&mut ObjectMeta) -> Result<(), HierarchyError>,
    ) -> Result<(), HierarchyError> {
        let mut meta = self.0.meta().clone();
        change(&mut meta)?;
        *self.0.meta_mut() = meta;
        Ok(())
    }

    fn label_nested(
        &mut self,
        fields: &[FieldPath],
        labels: &Labels,
        is_forced: bool,
    ) -> Result<(), HierarchyError> {
        if fields.is_empty() {
            return Ok(());
        }
        let value = serde_json::to_value(&*self.0);
        let mut value = value.map_err(|error| self.misfit(&error))?;
        Json(&mut value).label_nested(fields, labels, is_forced)?;
        *self.0 = serde_json::from_value(value).map_err(|error| self.misfit(&error))?;
        Ok(())
    }
}

/// An object in JSON.
struct Json<'a>(&'a mut Value);

impl Json<'_> {
    fn shape(&self, message: &impl ToString) -> HierarchyError {
        HierarchyError::Shape {
            object: self.about().name,
            message: message.to_string(),
        }
    }

    fn meta(&self) -> Result<ObjectMeta, HierarchyError> {
        if !self.0.is_object() {
            return Err(self.shape(&format_args!("it is {}", self.0)));
        }
        let meta = match &self.0["metadata"] {
            Value::Null => return Ok(ObjectMeta::default()),
            meta => serde_json::from_value(meta.clone()),
        };
        meta.map_err(|error| self.shape(&format_args!("metadata: {error}")))
    }
}

impl Child for Json<'_> {
    fn about(&self) -> About {
        let meta = serde_json::from_value(self.0["metadata"].clone());
        About {
            name: describe(kind(self.0), &meta.unwrap_or_default()),
            scope: scope(self.0),
        }
    }

    fn edit(
        &mut self,
        change: &mut dyn FnMut(&mut ObjectMeta) -> Result<(), HierarchyError>,
    ) -> Result<(), HierarchyError> {
        let mut meta = self.meta()?;
        change(&mut meta)?;
        let changed = [
            ("name", json!(meta.name)),
            ("generateName", json!(meta.generate_name)),
            ("namespace", json!(meta.namespace)),
            ("labels", json!(meta.labels)),
            ("ownerReferences", json!(meta.owner_references)),
        ];
        for (key, value) in changed {
            let field = FieldPath::new(["metadata", key]);
            if value.is_null() {
                field.remove(self.0);
            } else {
                field.set(self.0, value);
            }
        }
        Ok(())
    }

    fn label_nested(
        &mut self,
        fields: &[FieldPath],
        labels: &Labels,
        is_forced: bool,
    ) -> Result<(), HierarchyError> {
        for field in fields {
            let Some(nested) = field.get(self.0).filter(|value| !value.is_null()) else {
                continue;
            };
            let mut nested = nested.clone();
            let places = match &mut nested {
                Value::Array(places) => places.iter_mut().collect(),
                place => vec![place],
            };
            for place in places {
                mark(place, labels, is_forced)
                    .map_err(|found| self.shape(&format_args!("{field}: it is {found}")))?;
            }
            field.set(self.0, nested);
        }
        Ok(())
    }
}

/// Labels something that has metadata, or may have; gives what is in the way.
fn mark(place: &mut Value, labels: &Labels, is_forced: bool) -> Result<(), Value> {
    let mut below = place;
    for key in ["metadata", "labels"] {
        let found = below.clone();
        let map = below.as_object_mut().ok_or(found)?;
        let next = map.entry(key).or_insert(Value::Null);
        if next.is_null() {
            *next = Value::Object(Map::new());
        }
        below = next;
    }
    let found = below.clone();
    let own = below.as_object_mut().ok_or(found)?;
    for (key, value) in labels {
        if is_forced || !own.contains_key(key) {
            own.insert(key.clone(), json!(value));
        }
    }
    Ok(())
}

/// The kind that an object tells, for people.
fn kind(object: &Value) -> &str {
    let kind = object["kind"].as_str().filter(|kind| !kind.is_empty());
    kind.unwrap_or("object")
}

/// Whether an object tells that it is of a kind that has no namespaces.
fn scope(object: &Value) -> Scope {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    if CLUSTER_SCOPED.contains(&(group, kind(object))) {
        Scope::Cluster
    } else {
        Scope::Other
    }
}
