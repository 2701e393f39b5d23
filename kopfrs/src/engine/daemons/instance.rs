//! A daemon of one object, as whoever looks after the object holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

use crate::cause::{DaemonStoppingReason, SpawningCause, Stopper};
use crate::handler::Handler;

/// How a daemon has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself: it does not begin again.
    ByItself,
    /// It was told to: it may begin again.
    Told,
}

/// A daemon of one object. It goes on when this is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) handler: Arc<Handler<SpawningCause>>,
    stopper: Stopper,
    end: Arc<End>,
}

/// How far a daemon has come; told by its task.
#[derive(Debug, Default)]
pub(super) struct End {
    state: AtomicU8,
    /// Nobody has to wait for it any more.
    released: CancellationToken,
}

const BY_ITSELF: u8 = 1;
const TOLD: u8 = 2;

impl End {
    /// It has ended.
    pub(super) fn tell(&self, ended: Ended) {
        let state = match ended {
            Ended::ByItself => BY_ITSELF,
            Ended::Told => TOLD,
        };
        self.state.store(state, Ordering::Release);
        self.released.cancel();
    }

    /// It goes on, but nobody waits for it any more.
    pub(super) fn abandon(&self) {
        self.released.cancel();
    }
}

impl Instance {
    pub(super) fn new(handler: Arc<Handler<SpawningCause>>, stopper: Stopper) -> (Self, Arc<End>) {
        let end = Arc::new(End::default());
        let instance = Self {
            handler,
            stopper,
            end: end.clone(),
        };
        (instance, end)
    }

    /// Tells it to end.
    pub(crate) fn stop(&self, reason: DaemonStoppingReason) {
        if !self.stopper.reason().contains(reason) {
            self.stopper.set(reason);
        }
    }

    /// Whether it has been told to end, for whatever reason.
    pub(crate) fn is_stopped(&self) -> bool {
        !self.stopper.reason().is_empty()
    }

    /// How it has ended; `None` if it has not.
    pub(crate) fn ended(&self) -> Option<Ended> {
        match self.end.state.load(Ordering::Acquire) {
            BY_ITSELF => Some(Ended::ByItself),
            TOLD => Some(Ended::Told),
            _ => None,
        }
    }

    /// Whether the object must not go because of it.
    pub(crate) fn holds_object(&self) -> bool {
        self.handler.rule.requires_finalizer && !self.end.released.is_cancelled()
    }

    /// Waits until the object may go, as far as this one is concerned.
    pub(crate) async fn released(&self) {
        if self.holds_object() {
            self.end.released.cancelled().await;
        }
    }
}
