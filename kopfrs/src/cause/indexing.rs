//! Indexing: an object has come or changed, and what indices hold of it is found out anew.

use std::sync::Arc;

use crate::object::{Body, Patch};
use crate::resource::Resource;

/// What indices hold of an object is to be found out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IndexingCause {
    /// The kind of the object.
    pub resource: Arc<Resource>,
    /// The object.
    pub body: Body,
    /// Sent nowhere: indexing changes no objects.
    pub(crate) patch: Patch,
}

impl IndexingCause {
    /// An object has come or changed.
    pub fn new(resource: Arc<Resource>, body: Body) -> Self {
        Self {
            resource,
            body,
            patch: Patch::new(),
        }
    }
}
