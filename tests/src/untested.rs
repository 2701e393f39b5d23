//! What cannot be tested here, said on the terminal, past the capture of the test harness: nothing is left out in silence.

use std::io::Write as _;

use kopfrs::testing::{Backend, Cluster};

/// Says that the test that runs proves nothing, and why.
///
/// # Panics
/// If nobody can be told.
pub fn say(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not by a macro: what those print is only shown for tests that fail.
    let line = format!("NOT TESTED: {test}: {why}\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("stderr is open");
}

/// Whether the cluster runs controllers that a test needs (`the garbage collector`); says so where it does not.
pub fn runs(cluster: &Cluster, controllers: &str) -> bool {
    let runs = cluster.backend() != Backend::Envtest;
    if !runs {
        say(&format!("envtest does not run {controllers}"));
    }
    runs
}
