//! Servers that are down for a while.

use std::sync::Arc;

use tokio::sync::watch;

/// Why a connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// Nobody listens.
    #[error("connection refused")]
    Refused,
    /// The other side has closed it.
    #[error("connection reset by peer")]
    Reset,
}

/// Whether a server is down; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    down: Arc<watch::Sender<bool>>,
}

impl Default for Outage {
    fn default() -> Self {
        Self {
            down: Arc::new(watch::Sender::new(false)),
        }
    }
}

impl Outage {
    pub(super) fn set(&self, down: bool) {
        self.down.send_replace(down);
    }

    pub(crate) fn is_down(&self) -> bool {
        *self.down.borrow()
    }

    /// A listener who hears of every outage from now on, even of one that is over before it looks.
    pub(crate) fn listen(&self) -> Listener {
        Listener(self.down.subscribe())
    }
}

/// Hears of outages. A clone hears of all that this one has not yet waited for.
#[derive(Debug, Clone)]
pub(crate) struct Listener(watch::Receiver<bool>);

impl Listener {
    /// Waits for the server to go down.
    pub(crate) async fn went_down(&mut self) {
        // Up and down again within one turn is an outage as well: any change that is heard of means that there was one,
        // as listeners are made while the server is up.
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
