//! kopfrs: Kubernetes operators from annotated functions.

#[doc(hidden)]
pub mod __private;
mod action;
pub mod api;
pub mod cause;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
mod engine;
pub mod extract;
pub mod filter;
pub mod handler;
pub mod object;
pub mod on;
pub mod operator;
pub mod prelude;
mod reactor;
pub mod registry;
pub mod resource;
pub mod settings;
pub mod storage;

// Attributes in our own tests expand to `::kopfrs::…` too.
#[cfg(all(test, feature = "macros"))]
extern crate self as kopfrs;

pub use self::handler::Result;
pub use self::operator::Operator;
pub use self::registry::Registry;
pub use self::storage::Handling;
