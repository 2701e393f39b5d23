//! The program `kopfrs`: its commands on empty folders, and whole operators that have no code.

mod deploy;
mod execute;
mod files;
mod kubectl;
mod kubelet;
mod languages;
mod program;
mod validate;
mod wordpress;
