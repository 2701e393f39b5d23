//! Conversion webhooks, asked over TLS while the sandbox itself is reached in-process under paused time.

#[path = "../admission/server.rs"]
#[expect(dead_code, reason = "some of it is for reviews of admission")]
mod server;

mod definitions;
mod demos;
mod failures;
mod lasting;
mod owners;
mod reading;
mod watching;
mod writing;
