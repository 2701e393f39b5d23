//! Label and field selectors: which objects of a list, watch or deletecollection are meant.
//!
//! `verbs` parses them from queries; matching is pure.

mod expressions;
mod field;
mod label;

use serde_json::Value;

pub(crate) use self::{field::FieldSelector, label::LabelSelector};

/// Both selectors of a request.
#[derive(Debug, Default, Clone)]
pub(crate) struct Selector {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Selector {
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.matches(object) && self.fields.matches(object)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}
