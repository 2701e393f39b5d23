//! A whole operator: built from handlers and settings, run until it is told to stop.

mod activities;
mod builder;
mod clients;
mod error;
mod login;
mod others;
mod run;
mod watchdog;
#[cfg(feature = "admission")]
mod webhooks;
#[cfg(not(feature = "admission"))]
#[path = "webhooks/absent.rs"]
mod webhooks;

pub use self::builder::{Operator, OperatorBuilder};
pub use self::error::OperatorError;
