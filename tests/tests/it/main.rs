//! End-to-end tests, all in one program: they share one cluster.
//!
//! They mostly wait, so that many may run at once: `cargo test -p kopfrs-tests --test it --
//! --test-threads 24`.

mod oracle;
mod readme;
