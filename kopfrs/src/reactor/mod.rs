//! The spine: from the API's events to handlers, and back to patches.
//!
//! `observe` finds out which resources there are, `namespaces` which namespaces, `orchestrate` keeps
//! watches over those that handlers ask for, `watch` yields what happens in it, `queue` keeps it in the
//! inbox of the object, `indexing` keeps something of it for others to look up, `related` wakes objects for what happens to others, `lanes` says whose turn it is, `worker` takes it up then, `process` decides
//! what is to be done and does it, `commit` writes it down.

mod commit;
mod context;
mod daemons;
mod definitions;
mod inbox;
mod indexing;
mod kind;
mod lanes;
mod listing;
mod looks;
mod memory;
mod metadata;
mod namespaces;
mod observe;
mod orchestrate;
#[cfg(feature = "testing")]
mod overview;
mod process;
mod queue;
mod related;
mod served;
mod snapshot;
mod terms;
mod watch;
mod wire;
mod worker;

pub(crate) use self::context::{Context, Scope, Stop};
pub(crate) use self::kind::Handlers;
pub(crate) use self::namespaces::Patterns;
#[cfg(feature = "testing")]
pub(crate) use self::observe::discover;
pub(crate) use self::orchestrate::orchestrate;
#[cfg(feature = "testing")]
pub(crate) use self::overview::Observer;
