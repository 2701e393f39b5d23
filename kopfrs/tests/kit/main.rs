//! The kit that operators are tested with, tested: what it waits for, what it tells, what it leaves behind.

mod failures;
mod restarts;
mod room;
mod subject;
mod waits;
mod ways;
