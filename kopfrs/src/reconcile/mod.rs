//! What reconcile handlers return, and how their errors are told in the status.
//!
//! Pure: the spine calls the handlers and writes down where that leads.

mod action;
mod policy;
mod status_error;

#[cfg(feature = "macros")]
#[doc = include_str!("status_error.md")]
pub use kopfrs_macros::StatusError;

pub use self::action::Action;
pub use self::policy::Policy;
pub use self::status_error::{StatusError, StatusErrorType};
pub(crate) use self::status_error::{TypedError, is_typed};
