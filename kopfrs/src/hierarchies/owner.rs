//! Owners: what names them, and what their children get of them.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::Serialize;
use serde_json::Value;

use super::HierarchyError;
use crate::object::{Body, ObjectKey};

/// Labels by key.
pub type Labels = BTreeMap<String, String>;

/// The owner of objects, as far as it is known.
///
/// # Examples
/// ```
/// use kopfrs::hierarchies::IntoOwner;
/// use kopfrs::object::Body;
/// use serde_json::json;
///
/// let body = Body::new(json!({"kind": "Site", "metadata": {"name": "a", "namespace": "b"}}));
/// let owner = (&body).into_owner()?;
/// assert_eq!((owner.name(), owner.namespace()), ("a", Some("b")));
/// assert_eq!(owner.reference().unwrap_err().to_string(), "Site b/a cannot be an owner: it has no apiVersion");
/// # Ok::<(), kopfrs::hierarchies::HierarchyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owner {
    reference: OwnerReference,
    namespace: Option<String>,
    labels: Labels,
}

impl Owner {
    /// Its name; empty if it has none.
    pub fn name(&self) -> &str {
        &self.reference.name
    }

    /// Its namespace; `None` if it is cluster-scoped, or if only a reference to it is known.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Its labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What its children refer to it by.
    ///
    /// # Errors
    /// If it does not say what it is.
    pub fn reference(&self) -> Result<&OwnerReference, HierarchyError> {
        let of = &self.reference;
        let fields = [
            ("apiVersion", &of.api_version),
            ("kind", &of.kind),
            ("metadata.name", &of.name),
            ("metadata.uid", &of.uid),
        ];
        match fields.iter().find(|(_, text)| text.is_empty()) {
            None => Ok(of),
            Some((field, _)) => Err(HierarchyError::Owner {
                owner: self.to_string(),
                field,
            }),
        }
    }

    fn of(object: &Value) -> Self {
        let body = Body::new(object.clone());
        Self::of_body(&body)
    }

    fn of_body(body: &Body) -> Self {
        let labels = body.labels().as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            reference: OwnerReference {
                api_version: body.api_version().to_owned(),
                kind: body.kind().to_owned(),
                name: body.name().to_owned(),
                uid: body.uid().to_owned(),
                ..OwnerReference::default()
            },
            namespace: body.namespace().map(str::to_owned),
            labels: labels.map(|(k, v)| (k.clone(), text(v))).collect(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = ObjectKey::new(self.namespace(), self.name());
        write!(f, "{} {key}", self.reference.kind)
    }
}

/// How something was understood; found by the compiler.
pub mod via {
    /// A body.
    #[derive(Debug)]
    pub enum Body {}
    /// A typed object.
    #[derive(Debug)]
    pub enum Typed {}
    /// JSON.
    #[derive(Debug)]
    pub enum Json {}
    /// What it is already.
    #[derive(Debug)]
    pub enum Ready {}
    /// Pairs of texts.
    #[derive(Debug)]
    pub enum Pairs {}
    /// Many of them.
    #[derive(Debug)]
    pub struct Many<M>(std::marker::PhantomData<M>);
    /// An owner, by its own way.
    #[derive(Debug)]
    pub struct Owner<M>(std::marker::PhantomData<M>);
}

/// What can be an owner: `&Body`, a reference to any typed object or to JSON, an `OwnerReference`, an
/// [`Owner`].
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an owner",
    label = "not an object",
    note = "owners are `&Body`, `&K` where `K: kube::Resource + Serialize`, `&serde_json::Value`, `OwnerReference`"
)]
pub trait IntoOwner<M> {
    /// The owner.
    ///
    /// # Errors
    /// If it is no object.
    fn into_owner(self) -> Result<Owner, HierarchyError>;
}

#[diagnostic::do_not_recommend]
impl IntoOwner<via::Body> for &Body {
    fn into_owner(self) -> Result<Owner, HierarchyError> {
        Ok(Owner::of_body(self))
    }
}

#[diagnostic::do_not_recommend]
impl<K: kube::Resource + Serialize> IntoOwner<via::Typed> for &K {
    fn into_owner(self) -> Result<Owner, HierarchyError> {
        let value = serde_json::to_value(self).map_err(|error| HierarchyError::Shape {
            object: self.meta().name.clone().unwrap_or_default(),
            message: error.to_string(),
        })?;
        Ok(Owner::of(&value))
    }
}

#[diagnostic::do_not_recommend]
impl IntoOwner<via::Json> for &Value {
    fn into_owner(self) -> Result<Owner, HierarchyError> {
        Ok(Owner::of(self))
    }
}

#[diagnostic::do_not_recommend]
impl IntoOwner<via::Ready> for OwnerReference {
    fn into_owner(self) -> Result<Owner, HierarchyError> {
        Ok(Owner {
            reference: self,
            ..Owner::default()
        })
    }
}

#[diagnostic::do_not_recommend]
impl IntoOwner<via::Ready> for Owner {
    fn into_owner(self) -> Result<Owner, HierarchyError> {
        Ok(self)
    }
}

/// What labels can be taken from: pairs of texts, or an object that has some.
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no labels",
    label = "neither pairs of texts nor an object",
    note = "labels are `[(\"key\", \"value\")]`, a map of texts, or those of an object: `&Body`, `&K` where `K: kube::Resource + Serialize`, `&serde_json::Value`"
)]
pub trait IntoLabels<M> {
    /// The labels.
    ///
    /// # Errors
    /// If it is no object.
    fn into_labels(self) -> Result<Labels, HierarchyError>;
}

#[diagnostic::do_not_recommend]
impl<M, O: IntoOwner<M>> IntoLabels<via::Owner<M>> for O {
    fn into_labels(self) -> Result<Labels, HierarchyError> {
        Ok(self.into_owner()?.labels)
    }
}

#[diagnostic::do_not_recommend]
impl<I, K, V> IntoLabels<via::Pairs> for I
where
    I: IntoIterator<Item = (K, V)>,
    K: Into<String>,
    V: Into<String>,
{
    fn into_labels(self) -> Result<Labels, HierarchyError> {
        let pairs = self.into_iter().map(|(k, v)| (k.into(), v.into()));
        Ok(pairs.collect())
    }
}
