//! Running handlers: one attempt, its consequences, and how far the handlers of an object have come.

mod attempt;
mod cycle;
mod lifecycle;
mod outcome;

pub(crate) use self::attempt::{Call, attempt, attempt_parted, attempt_with};
pub(crate) use self::cycle::{Cycle, Turn};
pub(crate) use self::lifecycle::{Occasion, choose};
