//! The end of a program that does not end: somebody blocks the very threads that would notice.

use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Ends the process after a time, unless it is dropped before.
#[derive(Debug)]
pub(super) struct Watchdog(
    #[expect(dead_code, reason = "the thread is told when it is dropped")] Sender<()>,
);

impl Watchdog {
    /// Begins to wait. The time is that of the system, on a thread of its own: that of the runtime may stand still.
    pub(super) fn begin(limit: Duration) -> Self {
        let (sender, dropped) = channel();
        thread::spawn(move || {
            if dropped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                eprintln!(
                    "error: not ended {limit:?} after being told to stop: a handler blocks its thread, most likely one that is `async`"
                );
                process::exit(1);
            }
        });
        Self(sender)
    }
}
