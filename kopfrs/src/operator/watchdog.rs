//! The end of a program that does not end: somebody blocks the very threads that would notice.
//!
//! For the same reason signals are waited for on a thread of its own: where the runtime has one thread only and that
//! is blocked, nobody else would hear of them.

use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::oneshot;
use tracing::{Instrument as _, Span, warn};

use crate::settings::SettingsHandle;

/// Ends the process some time after it was told to stop, unless this is dropped before.
#[derive(Debug)]
pub(super) struct Watchdog(Arc<Patience>);

#[derive(Debug)]
struct Patience {
    settings: SettingsHandle,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Nobody has told the process to stop.
    Calm,
    /// The thread that waits ends when this is dropped.
    Waiting(
        #[expect(dead_code, reason = "the thread is told when it is dropped")] Option<Sender<()>>,
    ),
    /// The operator has ended.
    Over,
}

impl Watchdog {
    /// The time is that of the settings when it begins: startup handlers may change it.
    pub(super) fn new(settings: SettingsHandle) -> Self {
        let state = Mutex::new(State::Calm);
        Self(Arc::new(Patience { settings, state }))
    }

    /// Begins to wait, once.
    pub(super) fn begin(&self) {
        self.0.begin();
    }

    /// Waits until the process is told to stop, and begins then. It is told by a future that is polled on a thread of
    /// its own.
    pub(super) fn told(
        &self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (mut sender, told) = oneshot::channel();
        let (patience, span) = (Arc::downgrade(&self.0), Span::current());
        let listening = async move {
            tokio::select! {
                () = signal.instrument(span) => {}
                // Nobody wants to know any more.
                () = sender.closed() => return,
            }
            if let Some(patience) = patience.upgrade() {
                patience.begin();
            }
            // Whoever has waited may have gone meanwhile.
            let _ = sender.send(());
        };
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(listening),
                Err(error) => {
                    warn!("signals cannot be noticed: {error}");
                    loop {
                        thread::park();
                    }
                }
            }
        });
        async move {
            if told.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.0.state() = State::Over;
    }
}

impl Patience {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) {
        let mut state = self.state();
        if matches!(*state, State::Calm) {
            let limit = self.settings.get().process.ultimate_exiting_timeout;
            *state = State::Waiting(limit.map(wait));
        }
    }
}

/// Ends the process after a time, unless what this gives is dropped before. The time is that of the system, on a thread
/// of its own: that of the runtime may stand still.
fn wait(limit: Duration) -> Sender<()> {
    let (sender, dropped) = channel();
    thread::spawn(move || {
        if dropped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            eprintln!(
                "error: not ended {limit:?} after being told to stop: a handler blocks its thread, most likely one that is `async`"
            );
            process::exit(1);
        }
    });
    sender
}
