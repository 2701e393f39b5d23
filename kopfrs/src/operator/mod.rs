//! A whole operator: built from handlers and settings, run until it is told to stop.

mod builder;
mod error;
mod login;
mod run;
mod watchdog;
#[cfg(feature = "admission")]
mod webhooks;
#[cfg(not(feature = "admission"))]
#[path = "webhooks/absent.rs"]
mod webhooks;

pub use self::builder::{Operator, OperatorBuilder};
pub use self::error::OperatorError;
