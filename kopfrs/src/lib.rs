//! kopfrs: Kubernetes operators from annotated functions.

mod action;
pub mod api;
pub mod cause;
pub mod clock;
mod engine;
pub mod filter;
pub mod handler;
pub mod object;
mod reactor;
pub mod resource;
pub mod settings;
pub mod storage;
