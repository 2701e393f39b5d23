//! Declares handlers: attributes for functions, and builders for everything else.
//!
//! `#[on::create(Demo, retries = 5)]` and `on::create::<Demo>().retries(5).run(…)` declare the
//! same; the attribute expands to the builder. Builders take closures and values made at run time,
//! and give a [`Handler`] to be added to a [`Registry`](crate::Registry).

mod activity;
mod admission;
#[cfg(feature = "macros")]
mod attributes;
mod builder;
mod changing;
pub mod criterion;
mod indexing;
mod reconcile;
mod run;
mod spawning;
mod subhandling;
mod watching;

pub use self::activity::{Cleanup, Login, Probe, Startup, cleanup, login, probe, startup};
pub use self::admission::{
    Convert, Mutate, Validate, convert, convert_of, mutate, mutate_of, validate, validate_of,
};
#[cfg(feature = "macros")]
pub use self::attributes::*;
pub use self::builder::{Builder, Filtered, Kind, ObjectKind, Retried, Transitional};
pub use self::changing::{
    Complete, Create, Delete, Field, FieldBuilder, Resume, Update, Verify, complete, complete_of,
    create, create_of, delete, delete_of, field, field_of, resume, resume_of, update, update_of,
    verify, verify_of,
};
pub use self::criterion::IntoCriterion;
pub use self::indexing::{Index, index, index_of};
pub use self::reconcile::{Reconcile, reconcile, reconcile_of};
pub use self::run::{BlockingFunction, Function};
pub(crate) use self::run::{Thread, Threads};
pub use self::spawning::{Daemon, IntoDelay, Timer, daemon, daemon_of, timer, timer_of};
pub use self::subhandling::{BlockingOnceFunction, OnceFunction, Registration, Subhandler};
pub use self::watching::{Event, event, event_of};
#[cfg(doc)]
use crate::handler::Handler;

#[cfg(all(test, feature = "macros"))]
mod tests;
