//! Rules at work, as those who have injected them hold them.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

/// A rule at work: tells how often it has struck, and takes it away again.
///
/// Dropping it changes nothing: the rule stays until it is removed. [`Injected::scoped`] is for rules that end with a
/// scope.
#[derive(Clone)]
pub struct Injected {
    pub(super) state: Arc<State>,
}

/// A rule that is removed when this is dropped; otherwise as [`Injected`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use kopfrs_sandbox::{Sandbox, fault::{Fault, On}};
///
/// let sandbox = Sandbox::new();
/// let client = sandbox.client();
/// {
///     let outage = sandbox.faults().inject(Fault::status(503).on(On::any())).scoped();
///     assert!(client.apiserver_version().await.is_err());
///     assert_eq!(outage.hits(), 1);
/// }
/// assert!(client.apiserver_version().await.is_ok());
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the rule is removed when this is dropped"]
pub struct Scoped(Injected);

/// What a rule at work and those who watch it share.
#[derive(Debug, Default)]
pub(super) struct State {
    hits: AtomicUsize,
    struck: Notify,
    /// Cancelled when the rule is removed: releases what hangs and stalls.
    removed: CancellationToken,
    /// When the rule ends by itself.
    until: Option<Instant>,
}

impl State {
    pub(super) fn ending(until: Option<Instant>) -> Self {
        Self {
            until,
            ..Self::default()
        }
    }

    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::AcqRel);
        self.struck.notify_waiters();
    }

    pub(super) fn remove(&self) {
        self.removed.cancel();
    }

    /// Whether the rule strikes no more, and holds nothing any longer.
    pub(super) fn is_over(&self) -> bool {
        self.removed.is_cancelled() || self.until.is_some_and(|until| until <= Instant::now())
    }

    /// Waits for the end of the rule.
    pub(super) async fn over(&self) {
        let ends = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.removed.cancelled() => {}
            () = ends => {}
        }
    }
}

impl Injected {
    /// How often it has struck.
    pub fn hits(&self) -> usize {
        self.state.hits.load(Ordering::Acquire)
    }

    /// Waits until it has struck so many times.
    pub async fn until_hits(&self, hits: usize) {
        loop {
            let struck = self.state.struck.notified();
            tokio::pin!(struck);
            struck.as_mut().enable();
            if self.hits() >= hits {
                return;
            }
            struck.await;
        }
    }

    /// Takes the rule away. Requests that hang because of it go on, and so do streams that it has stalled.
    pub fn remove(&self) {
        self.state.remove();
    }

    /// Takes the rule away when what this returns is dropped.
    pub fn scoped(self) -> Scoped {
        Scoped(self)
    }
}

impl Deref for Scoped {
    type Target = Injected;

    fn deref(&self) -> &Injected {
        &self.0
    }
}

impl Drop for Scoped {
    fn drop(&mut self) {
        self.0.remove();
    }
}

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injected")
            .field("hits", &self.hits())
            .field("over", &self.state.is_over())
            .finish_non_exhaustive()
    }
}
