//! Programs in any language as handlers: what they are told is JSON, and their exit code is the outcome.
//!
//! A [`Runner`] does an operation by having a program run somewhere: [`Process`] on this machine, [`Pod`] and [`Job`] on
//! the cluster. Called in handlers of creations, updates, verifications and deletions, or as all of them by [`handlers`].
//! Knows nothing of lifecycles: it says what came of one operation, and others say what comes next.

mod call;
pub mod code;
mod handlers;
mod output;
mod pod;
#[cfg(unix)]
mod process;
mod runner;
mod template;

pub use self::call::Call;
pub use self::handlers::{handlers, handlers_of};
pub use self::pod::{Job, Pod};
#[cfg(unix)]
pub use self::process::Process;
pub use self::runner::{BoxRunner, Runner};
pub use self::template::TemplateError;
