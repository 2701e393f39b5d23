//! The lifecycle of what objects stand for, by the operator of the external store and its faults.

mod bench;
mod creating;
mod deleting;
mod depending;
mod faults;
mod permissions;
mod recreating;
mod showing;
mod updating;
