//! The task of one daemon of one object: lets it go along with the object, and ends it in stages when it is
//! told to.
//!
//! It is told by its flag. If that is not enough, it has `cancellation_backoff` to end by itself; then it is
//! cancelled and has `cancellation_timeout` to be over; then nobody waits for it any longer. Without a
//! timeout it is never cancelled for the sake of its object, but it is when the operator ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{debug, warn};

use super::instance::{End, Ended};
use super::{CANCEL_BUDGET, Limits, Registration, Subject};
use crate::cause::{DaemonStoppingReason, SpawningCause, Stopped, Stopper};
use crate::handler::{Environment, Handler};

/// How often those may go on that end at once, before they are signalled or cancelled.
const INSTANT: usize = 10;

/// The log is not to be filled.
const SHORTEST: Duration = Duration::from_secs(1);

/// The task of one daemon of one object.
pub(super) struct Runner {
    pub(super) handler: Arc<Handler<SpawningCause>>,
    pub(super) subject: Arc<dyn Subject>,
    pub(super) stopped: Stopped,
    /// Whoever holds a token of it is not over yet: a thread goes on when its task does not.
    pub(super) presence: TaskTracker,
    stopper: Stopper,
    end: Arc<End>,
    /// Given back before anybody hears that another one may begin.
    registration: Option<Registration>,
    limits: Limits,
    environment: Arc<Environment>,
    /// Whether anybody was told that there are not enough threads.
    pub(super) shortage: Arc<AtomicBool>,
    /// As long as it is waited for.
    token: Option<TaskTrackerToken>,
}

type Course<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Runner {
    pub(super) fn new(
        registration: Registration,
        (handler, subject): (Arc<Handler<SpawningCause>>, Arc<dyn Subject>),
        (stopper, end): (Stopper, Arc<End>),
        token: TaskTrackerToken,
    ) -> Self {
        let presence = TaskTracker::new();
        presence.close();
        Self {
            handler,
            subject,
            stopped: stopper.stopped(),
            presence,
            stopper,
            end,
            limits: registration.limits.clone(),
            environment: registration.daemons.0.environment.clone(),
            shortage: registration.daemons.0.shortage.clone(),
            registration: Some(registration),
            token: Some(token),
        }
    }

    pub(super) fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }

    /// Runs until it is over.
    pub(super) async fn run(mut self) {
        let mut course: Course<'_> = Box::pin(self.go_along());
        tokio::select! {
            biased;
            () = &mut course => return debug!("{} has ended by itself", self.name()),
            () = self.stopped.until_set() => {}
        }
        if self.ends_at_once(&mut course).await || self.ends_in_time(&mut course).await {
            return debug!("{} has ended as it was told", self.name());
        }
        if self.is_cancelled(course).await {
            return debug!("{} was cancelled", self.name());
        }
        self.stopper.set(DaemonStoppingReason::DAEMON_ABANDONED);
        warn!("{} did not end in time, it is left behind", self.name());
        self.end.abandon();
        self.subject.rouse();
        self.token = None;
        // There are never two of them for one object.
        self.presence.wait().await;
    }

    pub(super) fn name(&self) -> String {
        format!("{} `{}`", self.handler.rule.role(), self.handler.id)
    }

    /// Those that wait for nothing but the flag end without further ado.
    async fn ends_at_once(&self, course: &mut Course<'_>) -> bool {
        let settings = self.environment().settings.get();
        if let Some(limit) = settings.background.instant_exit_timeout {
            return timeout(limit, course).await.is_ok();
        }
        for _ in 0..INSTANT {
            tokio::select! {
                biased;
                () = &mut *course => return true,
                () = tokio::task::yield_now() => {}
            }
        }
        false
    }

    /// Waits as long as it may take to end by itself.
    async fn ends_in_time(&self, course: &mut Course<'_>) -> bool {
        let cancellation = self.handler.rule.cancellation();
        if let Some(backoff) = cancellation.backoff {
            self.stopper.set(DaemonStoppingReason::DAEMON_SIGNALLED);
            debug!("{} has {backoff:?} to end by itself", self.name());
            tokio::select! {
                biased;
                () = &mut *course => return true,
                () = sleep(backoff) => {}
                () = self.limits.hurried.cancelled() => {}
            }
        }
        if cancellation.timeout.is_some() {
            return false;
        }
        let polling = &self.environment().settings.get().background;
        let polling = cancellation.polling.unwrap_or(polling.cancellation_polling);
        let polling = polling.max(SHORTEST);
        let mut waited = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = &mut *course => return true,
                () = self.limits.overdue.cancelled() => return false,
                () = sleep(polling) => {}
            }
            waited += polling;
            let (name, reason) = (self.name(), self.stopped.reason());
            warn!(
                "{name} is still running {waited:?} after it was told to end ({reason}), and is waited for: let it \
                 look at `stopped`, or declare a `cancellation_timeout`"
            );
        }
    }

    /// Cancels it; gives whether it is over then. Threads cannot be cancelled, but they may end.
    async fn is_cancelled(&self, course: Course<'_>) -> bool {
        self.stopper.set(DaemonStoppingReason::DAEMON_CANCELLED);
        let patience = self.handler.rule.cancellation().timeout;
        let patience = patience.unwrap_or(CANCEL_BUDGET);
        let over = async {
            if self.handler.is_blocking {
                course.await;
            } else {
                drop(course);
                self.presence.wait().await;
            }
        };
        tokio::select! {
            biased;
            () = over => true,
            () = sleep(patience) => false,
            () = self.limits.hurried.cancelled() => false,
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let ended = if self.stopper.reason().is_empty() {
            Ended::ByItself
        } else {
            Ended::Told
        };
        // Threads that nobody waits for notice it.
        self.stopper.set(DaemonStoppingReason::DONE);
        self.registration = None;
        self.end.tell(ended);
        self.subject.rouse();
    }
}
