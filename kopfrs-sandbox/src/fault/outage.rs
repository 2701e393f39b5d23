//! Servers that are down for a while.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

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
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Up,
    Down,
    DownUntil(Instant),
}

impl Default for Outage {
    fn default() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State::Up)),
        }
    }
}

impl Outage {
    /// Goes down, for some time or until [`Outage::end`].
    pub(super) fn begin(&self, duration: Option<Duration>) {
        let end = duration.and_then(|duration| Instant::now().checked_add(duration));
        self.state
            .send_replace(end.map_or(State::Down, State::DownUntil));
    }

    pub(super) fn end(&self) {
        self.state.send_replace(State::Up);
    }

    pub(crate) fn is_down(&self) -> bool {
        match *self.state.borrow() {
            State::Up => false,
            State::Down => true,
            State::DownUntil(end) => Instant::now() < end,
        }
    }

    /// A listener who hears of every outage from now on, even of one that is over before it looks.
    pub(crate) fn listen(&self) -> Listener {
        Listener(self.state.subscribe())
    }
}

/// Hears of outages. A clone hears of all that this one has not yet waited for.
#[derive(Debug, Clone)]
pub(crate) struct Listener(watch::Receiver<State>);

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
