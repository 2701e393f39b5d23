//! The patch formats: pure functions from an object and a patch to an object.
//!
//! Called by `verbs::update`. They know nothing of storage and rules.

mod json;
mod merge;
mod strategic;

pub(crate) use self::{json::JsonPatch, merge::merge, strategic::strategic_merge};
