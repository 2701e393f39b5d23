//! Aspects of an operator that do not see one another.

pub(crate) mod activities;
#[cfg(feature = "admission")]
pub(crate) mod admission;
pub(crate) mod election;
#[cfg(feature = "admission")]
pub(crate) mod insights;
pub(crate) mod posting;
