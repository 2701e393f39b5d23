//! Other kinds that the objects of a handler depend on: what happens there wakes them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::HandlerError;
use crate::object::{Body, ObjectKey};
use crate::resource::Selector;

/// Names objects by another one; a text if that one does not fit.
pub(crate) type Naming = Arc<dyn Fn(&Body) -> Result<Vec<ObjectKey>, String> + Send + Sync>;

/// A kind of objects, and whom to wake when something happens to one of them.
///
/// # Examples
/// ```
/// use k8s_openapi::api::apps::v1::Deployment;
/// use kopfrs::handler::Relation;
/// use kopfrs::resource::Selector;
///
/// let owned = Relation::owned(Selector::of::<Deployment>());
/// assert_eq!(owned.selector().to_string(), "deployments.v1.apps");
/// ```
#[derive(Clone)]
pub struct Relation {
    selector: Selector,
    pub(crate) bond: Bond,
    /// The object is made a child of those that it names.
    pub(crate) is_owner: bool,
}

/// How objects of both kinds belong together.
#[derive(Clone)]
pub(crate) enum Bond {
    /// The related object says who controls it.
    Controlled,
    /// A function of the related object names whom to wake.
    Mapped(Naming),
    /// A function of the object names those whose changes wake it.
    Named(Naming),
}

impl Relation {
    /// What happens to an object wakes the one that controls it, by its owner references.
    pub fn owned(selector: Selector) -> Self {
        Self {
            selector,
            bond: Bond::Controlled,
            is_owner: false,
        }
    }

    /// What happens to an object wakes those that `map` names. A key without a namespace is in that of
    /// the object.
    pub fn watched<K, I>(
        selector: Selector,
        map: impl Fn(Arc<K>) -> I + Send + Sync + 'static,
    ) -> Self
    where
        K: DeserializeOwned,
        I: IntoIterator<Item: Into<ObjectKey>>,
    {
        Self {
            selector,
            bond: Bond::Mapped(naming(map)),
            is_owner: false,
        }
    }

    /// An object is woken by what happens to those that `name` names. A key without a namespace is in
    /// that of the object.
    pub fn used<K, I>(
        selector: Selector,
        name: impl Fn(Arc<K>) -> I + Send + Sync + 'static,
    ) -> Self
    where
        K: DeserializeOwned,
        I: IntoIterator<Item: Into<ObjectKey>>,
    {
        Self {
            selector,
            bond: Bond::Named(naming(name)),
            is_owner: false,
        }
    }

    /// The same, and the object becomes a child of the one that `name` names.
    pub fn owner<K, I>(
        selector: Selector,
        name: impl Fn(Arc<K>) -> I + Send + Sync + 'static,
    ) -> Self
    where
        K: DeserializeOwned,
        I: IntoIterator<Item: Into<ObjectKey>>,
    {
        Self {
            is_owner: true,
            ..Self::used(selector, name)
        }
    }

    /// The related kind.
    pub fn selector(&self) -> &Selector {
        &self.selector
    }
}

fn naming<K, I>(name: impl Fn(Arc<K>) -> I + Send + Sync + 'static) -> Naming
where
    K: DeserializeOwned,
    I: IntoIterator<Item: Into<ObjectKey>>,
{
    Arc::new(move |body| {
        let object = K::deserialize(body.as_value()).map_err(|error| error.to_string())?;
        // It is called by what watches the objects: nobody else may suffer from it.
        let keys = catch_unwind(AssertUnwindSafe(|| {
            let keys = name(Arc::new(object)).into_iter().map(Into::into);
            keys.collect::<Vec<ObjectKey>>()
        }));
        let keys = keys.map_err(|panic| HandlerError::of_panic(&*panic).to_string())?;
        let within = |key: ObjectKey| match (key.namespace(), body.namespace()) {
            (None, Some(namespace)) => ObjectKey::new(Some(namespace), key.name()),
            _ => key,
        };
        Ok(keys.into_iter().map(within).collect())
    })
}

impl fmt::Debug for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bond = match self.bond {
            Bond::Controlled => "owned",
            Bond::Mapped(_) => "watched",
            Bond::Named(_) => "used",
        };
        write!(f, "{bond} {}", self.selector)
    }
}

impl PartialEq for Relation {
    /// Functions are the same if they are one.
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.bond, &other.bond) {
            (Bond::Controlled, Bond::Controlled) => true,
            (Bond::Mapped(one), Bond::Mapped(other)) | (Bond::Named(one), Bond::Named(other)) => {
                Arc::ptr_eq(one, other)
            }
            _ => false,
        };
        is_same && self.selector == other.selector
    }
}

impl Eq for Relation {}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use kube::ResourceExt as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_without_a_namespace_are_in_that_of_the_object() {
        let map = |secret: Arc<Secret>| {
            let name = secret.name_any();
            [
                ObjectKey::new(None, &name),
                ObjectKey::new(Some("b"), &name),
            ]
        };
        let relation = Relation::watched(Selector::of::<Secret>(), map);
        let Bond::Mapped(naming) = &relation.bond else {
            panic!("{relation:?}");
        };
        let secret = json!({"metadata": {"namespace": "a", "name": "x"}});
        let keys = naming(&Body::new(secret)).unwrap();
        let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(keys, ["a/x", "b/x"]);
        let misfit = json!({"metadata": {"name": 5}});
        assert!(naming(&Body::new(misfit)).is_err());
        let panics = |_: Arc<Secret>| -> Option<String> { panic!("oh") };
        let panicking = Relation::watched(Selector::of::<Secret>(), panics);
        let Bond::Mapped(naming) = &panicking.bond else {
            panic!("{panicking:?}");
        };
        let secret = Body::new(json!({"metadata": {"name": "x"}}));
        assert_eq!(naming(&secret).unwrap_err(), "panicked: oh");
        assert_eq!(relation, relation.clone());
        assert_ne!(relation, Relation::owned(Selector::of::<Secret>()));
    }
}
