//! End-to-end tests, all in one program: they share one cluster.
//!
//! They mostly wait, so that many may run at once: `RUST_TEST_THREADS` is set in `.cargo/config.toml`.
//! Run elsewhere, say `-- --test-threads 16`.

mod actions;
mod admission;
mod clients;
mod conversion;
mod crowd;
mod oracle;
mod readme;
mod reconcile;
mod replicas;
mod stuck;
mod weather;
