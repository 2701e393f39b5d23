//! Declares handlers: attributes for functions, and builders for everything else.
//!
//! `#[on::create(Demo, retries = 5)]` and `on::create::<Demo>().retries(5).run(…)` declare the
//! same; the attribute expands to the builder. Builders take closures and values made at run time,
//! and give a [`Handler`] to be added to a [`Registry`](crate::Registry).

mod activity;
mod builder;
mod changing;
pub mod criterion;
mod run;
mod watching;

#[cfg(feature = "macros")]
pub use kopfrs_macros::{
    on_cleanup as cleanup, on_create as create, on_delete as delete, on_event as event,
    on_field as field, on_login as login, on_resume as resume, on_startup as startup,
    on_update as update,
};

pub use self::activity::{Cleanup, Login, Startup, cleanup, login, startup};
pub use self::builder::{Builder, Filtered, Kind, ObjectKind, Retried, Transitional};
pub use self::changing::{
    Create, Delete, Field, FieldBuilder, Resume, Update, create, create_of, delete, delete_of,
    field, field_of, resume, resume_of, update, update_of,
};
pub use self::criterion::IntoCriterion;
pub use self::run::{BlockingFunction, Function};
pub use self::watching::{Event, event, event_of};
#[cfg(doc)]
use crate::handler::Handler;

#[cfg(test)]
mod tests;
