//! Whole operators on the embedded API server, in one process and with paused time: minutes of
//! retries pass at once, and each request is on record.

mod answers;
mod bench;
mod changes;
mod connections;
mod daemons;
mod door;
mod elections;
mod errors;
mod events;
mod hazards;
mod indices;
mod kills;
mod kinds;
mod lifecycles;
mod listings;
mod login;
mod logs;
mod memories;
mod namespaces;
mod network;
mod order;
mod reconcile;
mod refusals;
mod relay;
mod renewals;
mod restarts;
mod settings;
mod spans;
mod stops;
mod subhandlers;
mod timers;
mod verified;
mod verified_told;
mod watches;
mod writes;
