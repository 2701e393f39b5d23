//! The lifecycle of the thing that an object stands for, outside of Kubernetes or in it: what its operations lead to,
//! and what comes next.
//!
//! Pure: the spine calls the handlers and writes down where that leads.

mod outcome;
mod permissions;
mod phase;
mod policy;
mod readiness;
mod status;
mod step;

pub use self::outcome::{Applied, Deleted, Operation, Report, Verdict, Verified};
pub(crate) use self::permissions::Permissions;
pub use self::phase::{Phase, UnknownPhase};
pub use self::policy::Policy;
pub(crate) use self::readiness::readiness;
pub use self::status::{Condition, Status};
pub(crate) use self::step::{Outcome, State, Task, Then, begin_termination, step};
