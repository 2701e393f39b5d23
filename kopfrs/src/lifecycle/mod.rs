//! The lifecycle of the thing that an object stands for, outside of Kubernetes or in it: what its operations lead to,
//! and what comes next.
//!
//! Pure: the spine calls the handlers and writes down where that leads.

mod outcome;
mod permissions;
mod phase;
mod policy;
mod step;

pub use self::outcome::{Applied, Deleted, Operation, Report, Verdict, Verified};
pub(crate) use self::permissions::{Permissions, PermissionsError};
pub use self::phase::{Phase, UnknownPhase};
pub use self::policy::Policy;
pub(crate) use self::step::{Outcome, State, Step, Task, Then, begin_termination, step};
