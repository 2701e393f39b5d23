//! Conversions: an object of one version is wanted in another.

use std::sync::Arc;

use serde_json::Value;

/// An object is to be converted from one version of its kind to another.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConversionCause {
    /// The object as it is.
    pub object: Arc<Value>,
    /// Its version: `v1alpha1`.
    pub from: Arc<str>,
    /// The version that it is wanted in: `v1`.
    pub to: Arc<str>,
}

impl ConversionCause {
    /// An object is to be converted.
    pub fn new(object: Value, from: &str, to: &str) -> Self {
        Self {
            object: Arc::new(object),
            from: from.into(),
            to: to.into(),
        }
    }
}
