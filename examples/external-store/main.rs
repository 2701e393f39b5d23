//! Objects that stand for something outside of Kubernetes, which takes its time, fails, and is changed by others.
//!
//! A verify handler looks what is there; that decides whether it is created, updated, deleted or made anew.

use std::time::Duration;

use kopfrs::prelude::*;

mod operator;
mod store;

use self::store::Store;

#[on::startup]
fn connect() -> State<Store> {
    State(Store::slow(Duration::from_secs(3)))
}

kopfrs::main!();
