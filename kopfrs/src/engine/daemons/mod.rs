//! Daemons and timers: one task for each object and handler, for as long as the object is there.
//!
//! The reactor says which of them are to run and holds an [`Instance`] of each; here they are called, tried
//! again, and ended in stages. What they do to their object goes through [`Subject`], as requests and
//! queues are not known here. A task waits without a thread; only functions that block have one, while they
//! run.
//!
//! A pause of the operator ends all of them, as its end does: [`Daemons::pause`] and [`Daemons::resume`].

mod course;
mod instance;
mod runner;
mod schedule;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, debug, warn};

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
    /// Tells it from all others.
    fn uid(&self) -> &Arc<str>;

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
    tasks: TaskTracker,
    register: Mutex<Register>,
    /// Whether anybody was told that there are not enough threads.
    shortage: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Register {
    /// Why none may begin.
    hold: DaemonStoppingReason,
    limits: Limits,
    running: HashMap<Whose, Instance>,
}

/// What there is never more than one of: a function for an object, under one id. Two handlers of one id may be made of
/// one function, for several versions of a kind.
#[derive(Clone, Debug)]
struct Whose {
    uid: Arc<str>,
    handler: Arc<Handler<SpawningCause>>,
}

impl Whose {
    fn names(&self) -> (&str, &str, &str) {
        (&self.uid, &self.handler.id, &self.handler.function)
    }
}

impl PartialEq for Whose {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names()
    }
}

impl Eq for Whose {}

impl Hash for Whose {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names().hash(state);
    }
}

/// When those end at the latest that are told to by the operator.
#[derive(Clone, Debug, Default)]
struct Limits {
    /// Those that have no time of their own are cancelled.
    overdue: CancellationToken,
    /// All are cancelled.
    hurried: CancellationToken,
}

/// A place in the register; given back when it is dropped.
#[derive(Debug)]
struct Registration {
    daemons: Daemons,
    whose: Whose,
    limits: Limits,
}

impl Daemons {
    pub(crate) fn new(environment: Arc<Environment>, abandon: CancellationToken) -> Self {
        Self(Arc::new(Shared {
            environment,
            abandon,
            tasks: TaskTracker::new(),
            register: Mutex::default(),
            shortage: Arc::default(),
        }))
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        let register = self.0.register.lock();
        register.unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with a daemon, in the span of its object; `None` if none may begin now. If it runs already, begun by who
    /// looked after the object before, gives that one: another may begin when it has ended.
    pub(crate) fn spawn(
        &self,
        handler: Arc<Handler<SpawningCause>>,
        subject: Arc<dyn Subject>,
        span: Span,
    ) -> Option<Instance> {
        let stopper = Stopper::new();
        let (instance, end) = Instance::new(handler.clone(), stopper.clone());
        let registration = match self.enlist(&subject, &instance)? {
            Ok(registration) => registration,
            Err(running) => return Some(running),
        };
        debug!("the {} `{}` begins", handler.rule, handler.id);
        let token = self.0.tasks.token();
        let runner = Runner::new(registration, (handler, subject), (stopper, end), token);
        let abandon = self.0.abandon.clone();
        let task = async move {
            tokio::select! {
                biased;
                () = abandon.cancelled() => {}
                () = runner.run() => {}
            }
        };
        tokio::spawn(task.instrument(span));
        Some(instance)
    }

    /// Takes a place, unless somebody has it; `None` if there is none now.
    fn enlist(
        &self,
        subject: &Arc<dyn Subject>,
        instance: &Instance,
    ) -> Option<Result<Registration, Instance>> {
        let mut register = self.register();
        if !register.hold.is_empty() {
            return None;
        }
        let whose = Whose {
            uid: subject.uid().clone(),
            handler: instance.handler.clone(),
        };
        if let Some(running) = register.running.get(&whose) {
            return Some(Err(running.clone()));
        }
        register.running.insert(whose.clone(), instance.clone());
        Some(Ok(Registration {
            daemons: self.clone(),
            whose,
            limits: register.limits.clone(),
        }))
    }

    /// Tells all daemons to end, and lets none begin.
    fn hold(&self, reason: DaemonStoppingReason) {
        let mut register = self.register();
        register.hold |= reason;
        for instance in register.running.values() {
            instance.stop(reason);
        }
        self.0.tasks.close();
    }

    /// The operator pauses: tells all daemons to end, and lets none begin until it goes on. Waits as
    /// [`finish`](Self::finish) does.
    pub(crate) async fn pause(&self, budget: Duration, quick: impl Future<Output = ()>) {
        self.hold(DaemonStoppingReason::OPERATOR_PAUSING);
        self.ended(budget, quick).await;
    }

    /// The operator goes on: daemons may begin again. Those that have not ended yet begin again when they have.
    pub(crate) fn resume(&self) {
        let mut register = self.register();
        // Nothing goes on in an operator that ends.
        if register.hold == DaemonStoppingReason::OPERATOR_PAUSING {
            register.hold = DaemonStoppingReason::default();
            register.limits = Limits::default();
            self.0.tasks.reopen();
        }
    }

    /// The operator ends: tells all daemons, and lets none begin.
    pub(crate) fn leave(&self) {
        self.hold(DaemonStoppingReason::OPERATOR_EXITING);
    }

    /// Waits until all have ended: those with a time of their own within that, the others within the budget;
    /// at once when it is to be quick.
    pub(crate) async fn finish(&self, budget: Duration, quick: impl Future<Output = ()>) {
        self.leave();
        self.ended(budget, quick).await;
    }

    async fn ended(&self, budget: Duration, quick: impl Future<Output = ()>) {
        let limits = self.register().limits.clone();
        let overdue = async {
            sleep(budget).await;
            limits.overdue.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = self.0.tasks.wait() => return,
            () = overdue => {}
            () = quick => {}
        }
        limits.overdue.cancel();
        limits.hurried.cancel();
        if timeout(CANCEL_BUDGET, self.0.tasks.wait()).await.is_err() {
            warn!("{} daemons are left running", self.0.tasks.len());
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.daemons.register().running.remove(&self.whose);
    }
}

#[cfg(test)]
mod tests;
