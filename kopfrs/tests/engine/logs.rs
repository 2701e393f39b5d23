//! What operators say.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Dispatch;
use tracing::dispatcher::{DefaultGuard, set_default};
use tracing::subscriber::NoSubscriber;

/// What is logged from now on.
pub(crate) struct Log {
    lines: Lines,
    _until_dropped: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As long as a process has one subscriber only, tracing takes that of the thread that is the first to say something for
/// it: whatever a thread without one has said first, nobody would hear. So there are always some more.
static OTHERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::default())));

/// Lets what is said on this thread be heard, until what this gives is dropped.
pub(crate) fn listen(subscriber: impl Into<Dispatch>) -> DefaultGuard {
    LazyLock::force(&OTHERS);
    set_default(&subscriber.into())
}

impl Log {
    pub(crate) fn start() -> Self {
        let lines = Lines::default();
        let written = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || written.clone());
        Self {
            lines,
            _until_dropped: listen(subscriber.finish()),
        }
    }

    /// How often a text is in the log.
    pub(crate) fn count(&self, text: &str) -> usize {
        let lines = self.lines.0.lock().unwrap();
        String::from_utf8_lossy(&lines).matches(text).count()
    }
}
