//! Daemons and timers: one task for each object and handler, for as long as the object is there.
//!
//! The reactor says which of them are to run and holds an [`Instance`] of each; here they are called, tried
//! again, and ended in stages. What they do to their object goes through [`Subject`], as requests and
//! queues are not known here. A task waits without a thread; only functions that block have one, while they
//! run.
//!
//! Whoever pauses the operator calls [`Daemons::pause`], and [`Daemons::resume`] when it goes on.

mod course;
mod instance;
mod runner;
mod schedule;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, warn};

pub(crate) use self::instance::{Ended, Instance};
use self::runner::Runner;
use crate::api::ApiError;
use crate::cause::{DaemonStoppingReason, Live, SpawningCause, Stopper};
use crate::handler::{Environment, Handler, Memos};
use crate::object::Change;
use crate::resource::Resource;
use crate::storage::Record;

/// How long those may take to end after the operator has cancelled them.
const CANCEL_BUDGET: Duration = Duration::from_secs(5);

/// An object as its daemons need it.
pub(crate) trait Subject: fmt::Debug + Send + Sync + 'static {
    /// Its kind.
    fn resource(&self) -> Arc<Resource>;

    /// The object as it is now.
    fn live(&self) -> Live;

    /// Values of the handlers'.
    fn memos(&self) -> Memos;

    /// Changes the object. `is_asked_often`: what it seems to have already need not be sent.
    fn write(&self, change: Change, is_asked_often: bool) -> BoxFuture<'_, Result<(), ApiError>>;

    /// Takes notice of what an attempt has led to.
    fn attempted(&self, handler: &str, record: &Record);

    /// Has the object looked at: a daemon of it has ended, or they may run again.
    fn rouse(&self);
}

/// All daemons and timers of an operator.
#[derive(Clone, Debug)]
pub(crate) struct Daemons(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    environment: Arc<Environment>,
    /// The operator is no more.
    abandon: CancellationToken,
    /// The operator ends.
    exiting: CancellationToken,
    /// Those that have no time of their own to end are cancelled.
    overdue: CancellationToken,
    /// All are cancelled.
    hurried: CancellationToken,
    tasks: TaskTracker,
    register: Mutex<Register>,
}

#[derive(Debug, Default)]
struct Register {
    /// Why none may begin.
    hold: DaemonStoppingReason,
    running: HashMap<u64, Stopper>,
    subjects: HashMap<u64, Weak<dyn Subject>>,
    numbers: u64,
}

impl Register {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Tells all to end, and lets none begin.
    fn hold(&mut self, reason: DaemonStoppingReason) {
        self.hold |= reason;
        for stopper in self.running.values() {
            stopper.set(reason);
        }
    }
}

/// A place in the register; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    daemons: Daemons,
    number: u64,
}

impl Daemons {
    pub(crate) fn new(environment: Arc<Environment>, abandon: CancellationToken) -> Self {
        Self(Arc::new(Shared {
            environment,
            abandon,
            exiting: CancellationToken::new(),
            overdue: CancellationToken::new(),
            hurried: CancellationToken::new(),
            tasks: TaskTracker::new(),
            register: Mutex::default(),
        }))
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        let register = self.0.register.lock();
        register.unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers an object, so that it is looked at when daemons may run again.
    pub(crate) fn enlist(&self, subject: Weak<dyn Subject>) -> Registration {
        let mut register = self.register();
        let number = register.number();
        register.subjects.insert(number, subject);
        let daemons = self.clone();
        Registration { daemons, number }
    }

    /// Begins with a daemon, in the span of its object; `None` if none may begin now.
    pub(crate) fn spawn(
        &self,
        handler: Arc<Handler<SpawningCause>>,
        subject: Arc<dyn Subject>,
        span: Span,
    ) -> Option<Instance> {
        let mut register = self.register();
        if !register.hold.is_empty() {
            return None;
        }
        let number = register.number();
        let stopper = Stopper::new();
        register.running.insert(number, stopper.clone());
        drop(register);
        let (instance, end) = Instance::new(handler.clone(), stopper.clone());
        let registration = Registration {
            daemons: self.clone(),
            number,
        };
        let runner = Runner::new(registration, (handler, subject), (stopper, end));
        let abandon = self.0.abandon.clone();
        let task = async move {
            tokio::select! {
                () = runner.run() => {}
                () = abandon.cancelled() => {}
            }
        };
        let task = self.0.tasks.track_future(task.instrument(span));
        tokio::spawn(task);
        Some(instance)
    }

    /// Tells all daemons to end, and lets none begin, until they are to go on.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "the door for whatever pauses the operator")
    )]
    pub(crate) fn pause(&self) {
        self.register().hold(DaemonStoppingReason::OPERATOR_PAUSING);
    }

    /// Daemons may begin again: all objects that want some are looked at. Those that have not ended yet begin
    /// again when they have.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "the door for whatever pauses the operator")
    )]
    pub(crate) fn resume(&self) {
        let subjects: Vec<_> = {
            let mut register = self.register();
            // Nothing goes on in an operator that ends.
            if !register
                .hold
                .contains(DaemonStoppingReason::OPERATOR_EXITING)
            {
                register.hold = DaemonStoppingReason::default();
            }
            register
                .subjects
                .values()
                .filter_map(Weak::upgrade)
                .collect()
        };
        for subject in subjects {
            subject.rouse();
        }
    }

    /// The operator ends: tells all daemons, and lets none begin.
    pub(crate) fn leave(&self) {
        self.register().hold(DaemonStoppingReason::OPERATOR_EXITING);
        self.0.exiting.cancel();
        self.0.tasks.close();
    }

    /// Waits until all have ended: those with a time of their own within that, the others within the budget;
    /// at once when it is to be quick.
    pub(crate) async fn finish(&self, budget: Duration, quick: impl Future<Output = ()>) {
        self.leave();
        let overdue = async {
            sleep(budget).await;
            self.0.overdue.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = self.0.tasks.wait() => return,
            () = overdue => {}
            () = quick => {}
        }
        self.0.overdue.cancel();
        self.0.hurried.cancel();
        if timeout(CANCEL_BUDGET, self.0.tasks.wait()).await.is_err() {
            warn!("{} daemons are left running", self.0.tasks.len());
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut register = self.daemons.register();
        register.running.remove(&self.number);
        register.subjects.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
