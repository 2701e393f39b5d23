//! Aspects of an operator that do not see one another.

pub(crate) mod activities;
#[cfg(feature = "admission")]
pub(crate) mod admission;
pub(crate) mod daemons;
pub(crate) mod election;
pub(crate) mod indexing;
#[cfg(feature = "admission")]
pub(crate) mod insights;
pub(crate) mod posting;
