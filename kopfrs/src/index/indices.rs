//! All indices of an operator, by their ids.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::shape::AnyIndex;
use super::{Index, IndexKey, IndexShape, IndexValue};

/// All indices of an operator, by their ids: for closures, which have no names of arguments.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::{Node, Pod};
/// use kopfrs::index::Indices;
/// use kopfrs::prelude::*;
///
/// let registry = Registry::new()
///     .add(on::index::<Pod>().id("pods").run(async |pod: Body| {
///         vec![(pod.spec()["nodeName"].to_string(), pod.name().to_owned())]
///     }))
///     .add(on::update::<Node>().id("update").run(async |node: Body, indices: Indices| -> Result {
///         let pods = indices.get::<String, String>("pods")?;
///         info!("there are {} pods", pods.get(node.name()).len());
///         Ok(())
///     }));
/// # assert_eq!(registry.len(), 2);
/// ```
#[derive(Clone, Default)]
pub struct Indices(Arc<BTreeMap<String, Arc<dyn AnyIndex>>>);

/// There is no such index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// No handler fills one of this id.
    #[error("there is no index `{id}`; there are {known}")]
    Unknown {
        /// The id.
        id: String,
        /// Those that there are.
        known: String,
    },
    /// It is of other types.
    #[error("the index `{id}` is an `{is}`, not an `{asked}`")]
    Types {
        /// The id.
        id: String,
        /// What it is.
        is: IndexShape,
        /// What was asked for.
        asked: IndexShape,
    },
}

impl Indices {
    /// Empty indices.
    pub(crate) fn new(shapes: impl IntoIterator<Item = (String, IndexShape)>) -> Self {
        let made = shapes.into_iter().map(|(id, shape)| (id, shape.make()));
        Self(Arc::new(made.collect()))
    }

    /// The index of an id.
    ///
    /// # Errors
    /// If there is none, or it is of other types.
    pub fn get<K: IndexKey, V: IndexValue>(&self, id: &str) -> Result<Index<K, V>, IndexError> {
        self.index(id).cloned()
    }

    /// The same, where it is.
    pub(crate) fn index<K: IndexKey, V: IndexValue>(
        &self,
        id: &str,
    ) -> Result<&Index<K, V>, IndexError> {
        let Some(index) = self.0.get(id) else {
            let ids: Vec<_> = self.ids().map(|id| format!("`{id}`")).collect();
            let known = match ids.as_slice() {
                [] => "none".to_owned(),
                ids => ids.join(", "),
            };
            let id = id.to_owned();
            return Err(IndexError::Unknown { id, known });
        };
        let typed = index.as_any().downcast_ref();
        typed.ok_or_else(|| IndexError::Types {
            id: id.to_owned(),
            is: index.shape(),
            asked: IndexShape::of::<K, V>(),
        })
    }

    /// The ids of all indices, in the order of the alphabet.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|id| &**id)
    }

    /// Replaces what an index has of an object. What it is to have instead are the index's own entries.
    ///
    /// # Errors
    /// If they are of other types.
    pub(crate) fn replace(
        &self,
        id: &str,
        uid: &Arc<str>,
        entries: Box<dyn Any + Send>,
    ) -> Result<(), String> {
        match self.0.get(id) {
            Some(index) if index.replace(uid, entries) => Ok(()),
            Some(index) => Err(format!(
                "what was returned is not for an `{}`",
                index.shape()
            )),
            None => Err(format!("there is no index `{id}`")),
        }
    }

    /// Removes all that an index has of an object.
    pub(crate) fn discard(&self, id: &str, uid: &str) {
        if let Some(index) = self.0.get(id) {
            index.discard(uid);
        }
    }
}

impl fmt::Debug for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes = self.0.iter().map(|(id, index)| (id, index.shape()));
        f.debug_map().entries(shapes).finish()
    }
}
