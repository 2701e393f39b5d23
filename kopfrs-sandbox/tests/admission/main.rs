//! Admission webhooks, asked over TLS while the sandbox itself is reached in-process under paused time.

mod answering;
mod configurations;
mod failures;
mod mutating;
mod server;
mod services;
mod validating;
