//! Aspects of an operator that do not see one another.

pub(crate) mod activities;
#[cfg(feature = "admission")]
pub(crate) mod admission;
#[cfg(feature = "admission")]
pub(crate) mod insights;
pub(crate) mod posting;
