//! How objects are named: for people, for owner references and for events.

use std::fmt;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::Body;

/// Namespace and name of an object, as people write them: `namespace/name` or `name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    namespace: Option<Box<str>>,
    name: Box<str>,
}

impl ObjectKey {
    /// Names an object; no namespace for cluster-scoped ones.
    pub fn new(namespace: Option<&str>, name: &str) -> Self {
        Self {
            namespace: namespace.map(Into::into),
            name: name.into(),
        }
    }

    /// The namespace; `None` for cluster-scoped objects.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Of an object in the same namespace, where there is another one that it is seen from.
impl From<&str> for ObjectKey {
    fn from(name: &str) -> Self {
        Self::new(None, name)
    }
}

/// Of an object in the same namespace, where there is another one that it is seen from.
impl From<String> for ObjectKey {
    fn from(name: String) -> Self {
        Self::new(None, &name)
    }
}

impl From<ObjectReference> for ObjectKey {
    fn from(reference: ObjectReference) -> Self {
        let name = reference.name.unwrap_or_default();
        Self::new(reference.namespace.as_deref(), &name)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// `Pod demo/web`, as far as the object says.
pub(crate) fn describe(kind: &str, meta: &ObjectMeta) -> String {
    let names = [&meta.name, &meta.generate_name];
    let named = names.into_iter().flatten().find(|name| !name.is_empty());
    let name = named.map_or("(unnamed)", String::as_str);
    match &meta.namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

/// The owner reference that makes `owner` the controller of another object.
pub(crate) fn owner_reference(owner: &Body) -> Value {
    json!({
        "apiVersion": owner.api_version(),
        "kind": owner.kind(),
        "name": owner.name(),
        "uid": owner.uid(),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}
