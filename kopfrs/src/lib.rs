//! kopfrs: Kubernetes operators from annotated functions.

pub mod cause;
pub mod clock;
pub mod filter;
pub mod object;
pub mod resource;
pub mod storage;
