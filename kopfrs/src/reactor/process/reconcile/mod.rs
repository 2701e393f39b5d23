//! Reconciliation: one function is called for whatever happens to an object or to what it depends on.
//!
//! Nothing about it is stored on the object but, where the handler asks for it, when it wants to be called
//! again: after a restart every object is looked at once.

mod known;
mod limits;
mod report;

use std::ops::ControlFlow;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{error, warn};

pub(crate) use self::known::Known;
use self::limits::Limits;
use super::{IsGone, View};
use crate::action::{Call, attempt_with};
use crate::api::{ApiError, Failure};
use crate::cause::{ChangingCause, Reason};
use crate::handler::{ErrorsMode, Handler, HandlerError};
use crate::object::{Change, Diff, Patch, digest, merge};
use crate::reactor::commit::{Commit, commit, guarded};
use crate::reactor::context::Context;
use crate::reactor::kind::Kind;
use crate::reactor::lanes::Place;
use crate::reactor::memory::{Memory, Next};
use crate::reactor::snapshot::Snapshot;
use crate::reconcile::Action;
use crate::storage::Record;

/// A place among the calls of a handler that may be made at once.
pub(crate) type Permit = Option<OwnedSemaphorePermit>;

/// An object that one handler is to reconcile.
pub(super) struct Reconciling<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) kind: &'a Arc<Kind>,
    pub(super) memory: &'a mut Memory,
    pub(super) snapshot: &'a Snapshot,
    pub(super) view: View,
    pub(super) is_gone: IsGone<'a>,
    pub(super) handler: Arc<Handler<ChangingCause>>,
}

/// What has become of a call.
struct Ended {
    begun: Timestamp,
    record: Record,
    outcome: Result<Action, HandlerError>,
    /// What is to be written to the object.
    change: Change,
}

impl Reconciling<'_> {
    /// Calls the handler if there is a reason to, and writes down where that leads.
    pub(super) async fn run(
        mut self,
        (place, permit): (&mut Place, Permit),
    ) -> Result<Next, ApiError> {
        let seen = digest(&self.view.essence);
        let (is_woken, now) = (self.memory.work().is_woken, self.now());
        let known = self.memory.reconciled.as_ref();
        if known.is_some_and(|known| !is_woken && !known.calls_for(&seen, now)) {
            return self.rest().await;
        }
        let permit = match self.admission((place, permit)).await {
            ControlFlow::Continue(permit) => permit,
            ControlFlow::Break(next) => return Ok(next),
        };
        *place = None;
        self.memory.work().is_woken = false;
        let ended = self.call().await;
        // Others may be called while this is written down.
        drop(permit);
        let Some(ended) = ended else {
            return Ok(Next::Idle);
        };
        if (self.is_gone)() {
            return Ok(Next::Idle);
        }
        self.conclude(seen, ended).await
    }

    fn now(&self) -> Timestamp {
        self.context.environment.clock.now()
    }

    /// Waits for a place among the calls that may be made at once. Who had to wait looks at the object
    /// once more before it is handled: it may have changed.
    async fn admission(
        &mut self,
        (place, permit): (&mut Place, Permit),
    ) -> ControlFlow<Next, Permit> {
        let policy = self.handler.rule.reconcile.unwrap_or_default();
        let Some(concurrency) = policy.concurrency else {
            return ControlFlow::Continue(None);
        };
        if permit.is_some() {
            return ControlFlow::Continue(permit);
        }
        let limits = self.context.environment.aspects.get_or_default::<Limits>();
        let limit = limits.of(&self.handler, concurrency);
        if let Ok(permit) = limit.clone().try_acquire_owned() {
            return ControlFlow::Continue(Some(permit));
        }
        *place = None;
        tokio::select! {
            permit = limit.acquire_owned() => {
                self.memory.work().permit = permit.ok();
                ControlFlow::Break(Next::Now)
            }
            () = self.context.drained() => ControlFlow::Break(Next::Idle),
        }
    }

    /// Makes one call; `None` if it was cancelled.
    async fn call(&mut self) -> Option<Ended> {
        let begun = self.now();
        let known = self.memory.reconciled.as_ref();
        let record = known.and_then(|known| known.record.clone());
        let record = record.unwrap_or_else(|| Record::new(Reason::Reconcile, begun));
        let backoff = known::backoff(&self.handler.options, record.retries);
        let patch = Patch::new();
        let call = Call {
            handler: self.handler.clone(),
            cause: self.cause(patch.clone()),
            memos: self.memory.memos(),
            role: self.handler.rule.role(),
            default_mode: ErrorsMode::Temporary,
            discreet_about: None,
        };
        let attempt = attempt_with(&call, (&record, backoff), &self.context.environment);
        let (record, outcome) = tokio::select! {
            biased;
            ended = attempt => ended,
            () = self.context.cancelled() => return None,
        };
        let seen = (&*self.kind.resource, &self.snapshot.body);
        let id = &self.handler.id;
        self.context.posting.attempted(seen, id, &record);
        Some(Ended {
            begun,
            record,
            outcome: outcome.map(|outcome| outcome.action.unwrap_or_default()),
            change: patch.take(),
        })
    }

    fn cause(&self, patch: Patch) -> ChangingCause {
        let cause = ChangingCause {
            reason: Reason::Reconcile,
            old: None,
            diff: Arc::new(Diff::default()),
            patch,
            ..self.view.cause.clone()
        };
        match &self.handler.filter.field {
            Some(field) => cause.narrowed(field),
            None => cause,
        }
    }

    /// Writes down what has become of a call, and says when the next one is due.
    async fn conclude(self, seen: String, ended: Ended) -> Result<Next, ApiError> {
        let now = self.now();
        let stored = &self.snapshot.found.stored;
        let before = self.memory.reconciled.take();
        let before = before.unwrap_or_else(|| Box::new(Known::restored(stored, &self.handler.id)));
        let policy = self.handler.rule.reconcile.unwrap_or_default();
        let failure = ended.outcome.as_ref().err();
        let report = report::Report {
            kind: self.kind,
            body: &self.snapshot.body,
            asked: &ended.change.merge,
            failure,
        };
        let told = report.change(now);
        let times = (policy, ended.begun, now);
        let action = ended.outcome.as_ref().ok();
        let mut known = before.clone().after(&ended.record, action, times);
        known.seen = seen;
        let carried = std::mem::take(&mut self.memory.work().carried);
        let mut change = carried.clone();
        change.extend(ended.change);
        match self.write(&change, told, &known).await {
            Ok(written) => {
                self.memory.is_initial = false;
                known.is_written();
                let Some(written) = written else {
                    let next = known.next();
                    self.memory.reconciled = Some(Box::new(known));
                    return Ok(next);
                };
                if self.is_ours(&change, &written) {
                    known.seen = digest(&self.kind.essence(&written.body));
                }
                self.memory.reconciled = Some(Box::new(known));
                self.memory.wrote(written);
                Ok(Next::Now)
            }
            Err(error) if error.failure() == Failure::Missing => Err(error),
            Err(error) => {
                let pause = known.fail(&before, (&self.handler.options, now));
                error!(
                    "what the handler wants could not be written, it is called again in {pause:?}: {error}"
                );
                // Event handlers are not called again; what the API refuses is refused each time.
                if error.failure() != Failure::Rejected {
                    self.memory.work().carried = carried;
                }
                let next = known.next();
                self.memory.reconciled = Some(Box::new(known));
                Ok(next)
            }
        }
    }

    /// Sends everything in one patch. If the API refuses it, what is told in the status may be to blame: that
    /// is left out then.
    async fn write(
        &self,
        change: &Change,
        told: Change,
        known: &Known,
    ) -> Result<Option<Snapshot>, ApiError> {
        let state = known.stored(&self.handler.id);
        let what = |change| Commit {
            change,
            state: &state,
            is_release: false,
            may_elide: false,
        };
        if told.is_empty() {
            return commit(self.context, self.kind, self.snapshot, what(change)).await;
        }
        let mut all = change.clone();
        all.extend(told);
        match commit(self.context, self.kind, self.snapshot, what(&all)).await {
            Err(error) if error.failure() == Failure::Rejected => {
                let resource = &self.kind.resource;
                if self.context.is_news(format!("told {resource}")) {
                    warn!("what has become of {resource} cannot be told in their status: {error}");
                }
                commit(self.context, self.kind, self.snapshot, what(change)).await
            }
            written => written,
        }
    }

    /// Whether an object is only as it is after our own write. What somebody else has changed meanwhile must
    /// be seen by the handler.
    fn is_ours(&self, change: &Change, written: &Snapshot) -> bool {
        let after = self.kind.essence(&written.body);
        if after == *self.view.essence {
            return true;
        }
        let mut expected = self.snapshot.body.as_value().clone();
        if change.merge.is_object() {
            merge::apply(&mut expected, &change.merge);
        }
        for transform in &change.transforms {
            expected = guarded(transform, expected);
        }
        after == self.kind.essence(&crate::object::Body::new(expected))
    }

    /// Nothing is to be done: what event handlers want is sent.
    async fn rest(self) -> Result<Next, ApiError> {
        let change = std::mem::take(&mut self.memory.work().carried);
        let known = self.memory.reconciled.as_deref();
        let next = known.map_or(Next::Idle, Known::next);
        let Some(known) = known.filter(|_| !change.is_empty()) else {
            return Ok(next);
        };
        let state = known.stored(&self.handler.id);
        let what = Commit {
            change: &change,
            state: &state,
            is_release: false,
            may_elide: true,
        };
        match commit(self.context, self.kind, self.snapshot, what).await {
            Ok(Some(written)) => {
                self.memory.wrote(written);
                Ok(Next::Now)
            }
            Ok(None) => Ok(next),
            Err(error) if error.failure() == Failure::Rejected => {
                error!("the API has refused the patch of an event handler, it is dropped: {error}");
                Ok(next)
            }
            Err(error) => {
                self.memory.work().carried = change;
                Err(error)
            }
        }
    }
}
