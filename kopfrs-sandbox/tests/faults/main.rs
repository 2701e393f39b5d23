//! Faults: each kind, in-process and through a proxy in front of a sandbox on a port.

mod answers;
mod lasting;
mod outages;
mod rules;
mod stale;
mod streams;
mod subject;
mod times;
mod tokens;
