//! Faults: each kind, in-process and through a proxy in front of a sandbox on a port.

mod answers;
mod outages;
mod rules;
mod streams;
mod subject;
mod tokens;
