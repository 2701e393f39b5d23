//! CRAFT's operators without generated code: two files in JSON and a program make one.
//!
//! `controller.json` says what the kind is called and how its program is run, `resource.json` is the schema of its spec,
//! and the program does the four operations of a [lifecycle](crate::lifecycle) and tells by its exit code what came of
//! them. The program `kopfrs` runs [`main`]; [`Project`] is the same for programs of your own and for tests.
//!
//! Knows the command line for what all operators share there; nobody knows this.

mod command;
mod controller;
mod definition;
mod deploy;
mod execute;
mod init;
mod judge;
mod mistake;
mod project;
mod resource;
mod runner;
mod validate;
mod value;

pub use self::command::main;
pub use self::mistake::{Mistake, Mistakes};
pub use self::project::Project;
