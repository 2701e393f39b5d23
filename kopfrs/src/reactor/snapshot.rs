//! An object as it was seen last, taken apart: its body, and what we remember on it.

use std::num::NonZeroU64;
use std::sync::Arc;

use serde_json::Value;

use super::kind::Kind;
use crate::object::Body;
use crate::storage::Found;

/// An object as it was seen last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) body: Body,
    pub(crate) found: Arc<Found>,
}

/// A version of an object. Versions grow; those that are not numbers compare with nothing. Zero is none: so it costs
/// nothing to have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(NonZeroU64);

impl Snapshot {
    /// Takes an object apart.
    pub(crate) fn new(kind: &Kind, mut object: Value) -> Self {
        if let Some(map) = object.as_object_mut() {
            if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("managedFields");
            }
            // Items of lists do not say what they are.
            if !map.contains_key("apiVersion") {
                map.insert("apiVersion".to_owned(), kind.resource.api_version().into());
            }
            if !map.contains_key("kind") {
                map.insert("kind".to_owned(), kind.resource.kind.clone().into());
            }
        }
        let found = Arc::new(kind.storage.take(&mut object));
        Self {
            body: Body::new(object),
            found,
        }
    }

    /// Its version, if versions can be compared.
    pub(crate) fn version(&self) -> Option<Version> {
        Version::parse(self.body.resource_version())
    }
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}
