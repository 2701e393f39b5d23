//! Children of objects: owner references, names, namespaces and labels, under Kopf's names.
//!
//! Pure: nothing is sent. Objects are typed ones, [`DynamicObject`](kube::core::DynamicObject)s or plain
//! JSON; one, or many at once: a slice, a vector, or whatever gives mutable references. The owner is the
//! body of an object, any typed object, JSON, or an owner reference.
//!
//! Unlike in Kopf, what could never be is refused: the child of a namespaced object that is
//! cluster-scoped or in another namespace would be collected as garbage at once.
//!
//! # Examples
//! ```
//! use k8s_openapi::api::core::v1::Pod;
//! use kopfrs::hierarchies;
//! use kopfrs::prelude::*;
//!
//! #[on::create("sites")]
//! fn create(body: &Body) -> Result<()> {
//!     let mut pods = vec![Pod::default(), Pod::default()];
//!     hierarchies::adopt(&mut pods, body)?;
//!     let mut service = json!({"apiVersion": "v1", "kind": "Service"});
//!     hierarchies::Hierarchy::new().strict(true).adopt(&mut service, body)?;
//!     assert_eq!(service["metadata"]["name"], body.name());
//!     assert_eq!(pods[0].metadata.generate_name, Some(format!("{}-", body.name())));
//!     Ok(())
//! }
//! # create(&Body::new(json!({
//! #     "apiVersion": "example.com/v1", "kind": "Site", "metadata": {"name": "a", "namespace": "b", "uid": "1"},
//! # }))).unwrap();
//! ```

mod child;
mod error;
mod owner;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

pub use self::child::{Child, Children};
pub use self::error::HierarchyError;
pub use self::owner::{IntoLabels, IntoOwner, Labels, Owner, via};

use self::child::Scope;
use crate::object::FieldPath;

/// Makes objects children of another one: owner reference, namespace, labels, and a name made of the
/// owner's where they have none. What they have of their own stays.
///
/// # Errors
/// If one of them cannot be a child of the owner.
pub fn adopt<M, N>(
    objects: impl Children<M>,
    owner: impl IntoOwner<N>,
) -> Result<(), HierarchyError> {
    Hierarchy::new().adopt(objects, owner)
}

/// Makes another object an owner of these, and their controller. An earlier reference to it is replaced.
///
/// # Errors
/// If one of them cannot be a child of the owner.
pub fn append_owner_reference<M, N>(
    objects: impl Children<M>,
    owner: impl IntoOwner<N>,
) -> Result<(), HierarchyError> {
    Hierarchy::new().append_owner_reference(objects, owner)
}

/// Takes the reference to an owner off objects, if they have it.
///
/// # Examples
/// ```
/// use kopfrs::hierarchies::{append_owner_reference, remove_owner_reference};
/// use serde_json::json;
///
/// let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "uid": "1"}});
/// let mut child = json!({"apiVersion": "v1", "kind": "Pod"});
/// append_owner_reference(&mut child, &owner)?;
/// assert_eq!(child["metadata"]["ownerReferences"][0]["uid"], "1");
/// remove_owner_reference(&mut child, &owner)?;
/// assert_eq!(child["metadata"]["ownerReferences"], json!(null));
/// # Ok::<(), kopfrs::hierarchies::HierarchyError>(())
/// ```
///
/// # Errors
/// If the owner has no uid, or one of the objects is none.
pub fn remove_owner_reference<M, N>(
    objects: impl Children<M>,
    owner: impl IntoOwner<N>,
) -> Result<(), HierarchyError> {
    let owner = owner.into_owner()?;
    let uid = owner.reference()?.uid.clone();
    objects.each(&mut |object| {
        object.edit(&mut |meta| {
            let owners = meta.owner_references.get_or_insert_default();
            owners.retain(|known| known.uid != uid);
            if owners.is_empty() {
                meta.owner_references = None;
            }
            Ok(())
        })
    })
}

/// Gives objects without a name one that begins with this; the server makes up the rest.
///
/// # Errors
/// If one of the objects is none.
pub fn harmonize_naming<M>(objects: impl Children<M>, name: &str) -> Result<(), HierarchyError> {
    Hierarchy::new().harmonize_naming(objects, name)
}

/// Puts objects without a namespace into this one. Cluster-scoped kinds have none.
///
/// # Errors
/// If one of the objects is none.
pub fn adjust_namespace<'n, M>(
    objects: impl Children<M>,
    namespace: impl Into<Option<&'n str>>,
) -> Result<(), HierarchyError> {
    Hierarchy::new().adjust_namespace(objects, namespace)
}

/// Gives objects labels, or those of another object. What they have of their own stays.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kopfrs::hierarchies::label;
///
/// let mut pods = [Pod::default(), Pod::default()];
/// label(&mut pods, [("app", "web")])?;
/// assert_eq!(pods[1].metadata.labels.as_ref().unwrap()["app"], "web");
/// # Ok::<(), kopfrs::hierarchies::HierarchyError>(())
/// ```
///
/// # Errors
/// If one of the objects is none.
pub fn label<M, N>(
    objects: impl Children<M>,
    labels: impl IntoLabels<N>,
) -> Result<(), HierarchyError> {
    Hierarchy::new().label(objects, labels)
}

/// How objects are made children: the same functions with other than their usual options.
///
/// # Examples
/// ```
/// use k8s_openapi::api::apps::v1::Deployment;
/// use kopfrs::hierarchies::Hierarchy;
/// use serde_json::json;
///
/// let owner = json!({
///     "apiVersion": "example.com/v1", "kind": "Site",
///     "metadata": {"name": "a", "namespace": "b", "uid": "1", "labels": {"app": "web"}},
/// });
/// let mut deployment: Deployment = serde_json::from_value(json!({
///     "spec": {"selector": {}, "template": {}},
/// })).unwrap();
/// let how = Hierarchy::new().strict(true).controller(false).nested(["spec.template"]);
/// how.adopt(&mut deployment, &owner)?;
/// assert_eq!(json!(deployment)["spec"]["template"]["metadata"]["labels"]["app"], "web");
/// assert_eq!(deployment.metadata.name.as_deref(), Some("a"));
/// # Ok::<(), kopfrs::hierarchies::HierarchyError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "these are options for one of its functions"]
pub struct Hierarchy {
    forced: bool,
    strict: bool,
    controller: bool,
    block_owner_deletion: bool,
    nested: Vec<String>,
}

impl Default for Hierarchy {
    fn default() -> Self {
        Self {
            forced: false,
            strict: false,
            controller: true,
            block_owner_deletion: true,
            nested: Vec::new(),
        }
    }
}

impl Hierarchy {
    /// The usual options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces what objects have of their own: names, namespaces, labels. No.
    pub fn forced(mut self, is_forced: bool) -> Self {
        self.forced = is_forced;
        self
    }

    /// Names objects exactly as said, instead of letting the server make up the end of the name. No.
    pub fn strict(mut self, is_strict: bool) -> Self {
        self.strict = is_strict;
        self
    }

    /// Makes the owner the controller: an object can have one of them. Yes.
    pub fn controller(mut self, is_controller: bool) -> Self {
        self.controller = is_controller;
        self
    }

    /// Lets foreground deletion of the owner wait for the children. Yes.
    pub fn block_owner_deletion(mut self, is_blocking: bool) -> Self {
        self.block_owner_deletion = is_blocking;
        self
    }

    /// Labels also what is in these fields of the objects, where they are there: `["spec.template"]`.
    pub fn nested<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.nested = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Makes objects children of another one: see [`adopt`].
    ///
    /// # Errors
    /// If one of them cannot be a child of the owner. Those before it have been changed.
    pub fn adopt<M, N>(
        &self,
        objects: impl Children<M>,
        owner: impl IntoOwner<N>,
    ) -> Result<(), HierarchyError> {
        let (owner, nested) = (owner.into_owner()?, self.fields()?);
        objects.each(&mut |object| {
            let about = object.about();
            object.edit(&mut |meta| {
                self.place(meta, (owner.namespace(), about.scope));
                self.name(meta, owner.name());
                self.mark(meta, owner.labels());
                self.append(meta, &owner, (about.scope, &about.name))
            })?;
            object.label_nested(&nested, owner.labels(), self.forced)
        })
    }

    /// Makes another object an owner of these: see [`append_owner_reference`].
    ///
    /// # Errors
    /// If one of them cannot be a child of the owner. Those before it have been changed.
    pub fn append_owner_reference<M, N>(
        &self,
        objects: impl Children<M>,
        owner: impl IntoOwner<N>,
    ) -> Result<(), HierarchyError> {
        let owner = owner.into_owner()?;
        objects.each(&mut |object| {
            let about = object.about();
            object.edit(&mut |meta| self.append(meta, &owner, (about.scope, &about.name)))
        })
    }

    /// Names objects: see [`harmonize_naming`].
    ///
    /// # Errors
    /// If one of the objects is none.
    pub fn harmonize_naming<M>(
        &self,
        objects: impl Children<M>,
        name: &str,
    ) -> Result<(), HierarchyError> {
        objects.each(&mut |object| {
            object.edit(&mut |meta| {
                self.name(meta, name);
                Ok(())
            })
        })
    }

    /// Puts objects into a namespace: see [`adjust_namespace`].
    ///
    /// # Errors
    /// If one of the objects is none.
    pub fn adjust_namespace<'n, M>(
        &self,
        objects: impl Children<M>,
        namespace: impl Into<Option<&'n str>>,
    ) -> Result<(), HierarchyError> {
        let namespace = namespace.into();
        objects.each(&mut |object| {
            let scope = object.about().scope;
            object.edit(&mut |meta| {
                self.place(meta, (namespace, scope));
                Ok(())
            })
        })
    }

    /// Gives objects labels: see [`label`].
    ///
    /// # Errors
    /// If one of the objects is none.
    pub fn label<M, N>(
        &self,
        objects: impl Children<M>,
        labels: impl IntoLabels<N>,
    ) -> Result<(), HierarchyError> {
        let (labels, nested) = (labels.into_labels()?, self.fields()?);
        objects.each(&mut |object| {
            object.edit(&mut |meta| {
                self.mark(meta, &labels);
                Ok(())
            })?;
            object.label_nested(&nested, &labels, self.forced)
        })
    }

    fn fields(&self) -> Result<Vec<FieldPath>, HierarchyError> {
        let fields = self.nested.iter().map(|field| field.parse());
        fields
            .collect::<Result<_, _>>()
            .map_err(HierarchyError::Field)
    }

    fn place(&self, meta: &mut ObjectMeta, (namespace, scope): (Option<&str>, Scope)) {
        let is_open = self.forced || meta.namespace.is_none();
        if let Some(namespace) = namespace.filter(|_| is_open && scope != Scope::Cluster) {
            meta.namespace = Some(namespace.to_owned());
        }
    }

    fn name(&self, meta: &mut ObjectMeta, name: &str) {
        if !self.forced && (meta.name.is_some() || meta.generate_name.is_some()) {
            return;
        }
        (meta.name, meta.generate_name) = if self.strict {
            (Some(name.to_owned()), None)
        } else {
            (None, Some(format!("{name}-")))
        };
    }

    fn mark(&self, meta: &mut ObjectMeta, labels: &Labels) {
        if labels.is_empty() {
            return;
        }
        let own = meta.labels.get_or_insert_default();
        for (key, value) in labels {
            if self.forced || !own.contains_key(key) {
                own.insert(key.clone(), value.clone());
            }
        }
    }

    fn append(
        &self,
        meta: &mut ObjectMeta,
        owner: &Owner,
        (scope, name): (Scope, &str),
    ) -> Result<(), HierarchyError> {
        let refuse = |reason| HierarchyError::Adoption {
            object: name.to_owned(),
            owner: owner.to_string(),
            reason,
        };
        if let Some(namespace) = owner.namespace() {
            if scope == Scope::Cluster {
                let reason = "the owner is namespaced, the kind of the object is not";
                return Err(refuse(reason));
            }
            let own = meta.namespace.as_deref();
            if own.is_some_and(|own| own != namespace) {
                return Err(refuse("they are in different namespaces"));
            }
        }
        let reference = OwnerReference {
            controller: Some(self.controller),
            block_owner_deletion: Some(self.block_owner_deletion),
            ..owner.reference()?.clone()
        };
        let owners = meta.owner_references.get_or_insert_default();
        owners.retain(|known| known.uid != reference.uid);
        if self.controller && owners.iter().any(|known| known.controller == Some(true)) {
            let reason = "another object is its controller: remove that owner reference first";
            return Err(refuse(reason));
        }
        owners.push(reference);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
