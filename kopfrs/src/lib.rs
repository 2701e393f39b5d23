//! kopfrs: Kubernetes operators from annotated functions.

pub mod cause;
pub mod clock;
pub mod filter;
pub mod handler;
pub mod object;
pub mod resource;
pub mod settings;
pub mod storage;
