//! Every example as its readers run it: a process on a cluster, an object that comes and goes, and a
//! signal in the end.

mod commands;
mod devoops;
mod kopf;
mod program;
mod rights;
mod sandboxed;
mod stage;
