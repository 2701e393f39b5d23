//! A whole operator: built from handlers and settings, run until it is told to stop.

mod builder;
mod error;
mod login;
mod run;
mod watchdog;

pub use self::builder::{Operator, OperatorBuilder};
pub use self::error::OperatorError;
