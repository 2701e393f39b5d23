//! kopfrs: Kubernetes operators from annotated functions.

#[doc(hidden)]
pub mod __private;
pub mod cause;
pub mod clock;
pub mod extract;
pub mod filter;
pub mod handler;
pub mod object;
pub mod on;
pub mod prelude;
pub mod registry;
pub mod resource;
pub mod settings;
pub mod storage;

pub use self::handler::Result;
pub use self::registry::Registry;
