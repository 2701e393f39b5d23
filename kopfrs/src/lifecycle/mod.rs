//! The lifecycle of the thing that an object stands for, outside of Kubernetes or in it: what its operations lead to,
//! and what comes next.
//!
//! Pure: the spine calls the handlers and writes down where that leads.

mod outcome;
mod policy;

pub use self::outcome::{Applied, Deleted, Operation, Report, Verdict, Verified};
pub use self::policy::Policy;
