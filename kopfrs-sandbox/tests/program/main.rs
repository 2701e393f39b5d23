//! The program as its users meet it: a process with arguments, output, signals and a file.

#![cfg(unix)]

mod bars;
mod keeping;
mod place;
mod process;
mod refusals;
mod serving;
