//! The handling of one change: handlers are selected and called one after another, and what comes of
//! them is written down at once, or as soon as a part of it must not be lost.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tracing::{debug, error, info, warn};

use super::{IsGone, View, backoff, delivered};
use crate::action::{Call, Cycle, Turn, attempt};
use crate::api::{ApiError, Failure};
use crate::cause::{Baseline, ChangingCause, Reason};
use crate::clock::after;
use crate::handler::{ErrorsMode, Handler, Memos};
use crate::object::{Change, Patch, digest, equal};
use crate::reactor::commit::{Commit, Unsent, commit};
use crate::reactor::context::Context;
use crate::reactor::kind::{Kind, applies};
use crate::reactor::snapshot::Snapshot;
use crate::reactor::worker::{Memory, Next, Work};
use crate::storage::{Record, Stored};

/// A change of an object on its way through the handlers.
pub(super) struct Handling<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) kind: &'a Arc<Kind>,
    pub(super) memory: &'a mut Memory,
    pub(super) snapshot: Snapshot,
    pub(super) view: View,
    pub(super) is_gone: IsGone<'a>,
}

/// The handlers that are concerned.
struct Selection {
    calls: Vec<(Arc<Handler<ChangingCause>>, ChangingCause, Record)>,
    /// When the next one is due that has to wait.
    due: Option<Timestamp>,
}

impl Handling<'_> {
    /// Calls who is to be called now, and writes down where that leads.
    pub(super) async fn run(mut self) -> Result<Next, ApiError> {
        let now = self.context.environment.clock.now();
        let mut change = match self.pending(now) {
            Pending::Wait(due) => return Ok(Next::At(due)),
            Pending::Send(change) => change,
        };
        let selection = self.select(now);
        let calls = selection.calls.len();
        let mut finished = None;
        for (handler, cause, record) in selection.calls {
            if self.context.stop.drain.is_cancelled() {
                return self.interrupted(change).await;
            }
            match self
                .call(handler, cause, record, (&mut change, finished))
                .await?
            {
                Some(at) => finished = Some(at),
                None => return self.interrupted(change).await,
            }
        }
        // Handlers may have taken long, or want to be called again at once.
        let due = if calls > 0 {
            self.select(self.context.environment.clock.now()).next_due()
        } else {
            selection.due
        };
        match due {
            Some(due) => self.checkpoint(change, due).await,
            None => self.complete(change, calls > 0).await,
        }
    }

    fn work(&mut self) -> &mut Work {
        self.memory.work()
    }

    fn cycle(&mut self) -> &mut Cycle {
        let stored = &self.snapshot.found.stored;
        let work = self.memory.work.get_or_insert_default();
        work.cycle.get_or_insert_with(|| Cycle::resume(stored))
    }

    /// What is left to be sent from before. What the API has refused waits for its time, and is
    /// dropped when the object changes: its handlers are called again then.
    fn pending(&mut self, now: Timestamp) -> Pending {
        let carried = std::mem::take(&mut self.work().carried);
        let Some(unsent) = self.work().unsent.take() else {
            return Pending::Send(carried);
        };
        let essence = digest(&self.view.essence);
        let is_deleting = self.view.cause.reason == Reason::Delete;
        let is_outdated = |rejected: &String| is_deleting || *rejected != essence;
        if unsent.rejected_for.as_ref().is_some_and(is_outdated) {
            self.cycle().reopen();
            return Pending::Send(carried);
        }
        if unsent.due > now && unsent.rejected_for.is_some() {
            let due = unsent.due;
            self.work().carried = carried;
            self.work().unsent = Some(unsent);
            return Pending::Wait(due);
        }
        let mut change = unsent.change.clone();
        change.extend(carried);
        // The count of attempts is kept for the next refusal.
        self.work().failures = self.work().failures.max(unsent.attempts);
        Pending::Send(change)
    }

    /// Who is concerned, and whose turn it is.
    fn select(&mut self, now: Timestamp) -> Selection {
        let reason = self.view.cause.reason;
        let essence = self.view.essence.clone();
        let kind = self.kind.clone();
        let base = self.view.cause.clone();
        let cycle = self.cycle();
        let is_same_update = reason == Reason::Update && cycle.reason() == Some(Reason::Update);
        let mut concerned: Vec<(Arc<Handler<ChangingCause>>, ChangingCause)> = Vec::new();
        let mut kept: Vec<&str> = Vec::new();
        for handler in &kind.handlers.changing {
            let is_twice = concerned.iter().any(|(other, _)| other.id == handler.id);
            let seen = cycle
                .seen(&handler.id)
                .filter(|seen| is_same_update && !equal(seen, &essence));
            let is_forgotten = is_same_update && cycle.has_forgotten(&handler.id, &essence);
            let between = |old: Option<Arc<Value>>| {
                let (resource, body) = (base.resource.clone(), base.body.clone());
                ChangingCause::new(
                    resource,
                    body,
                    (reason, base.initial),
                    (old, essence.clone()),
                )
            };
            let cause = match seen {
                Some(seen) => between(Some(seen.clone())),
                None if is_forgotten && base.diff.is_empty() => between(None),
                None => base.clone(),
            };
            // What was taken back is no change for those who have not heard of it.
            let is_change =
                reason != Reason::Update || handler.rule.initial || !cause.diff.is_empty();
            if !is_twice && is_change && applies(handler, &cause) {
                kept.push(&handler.id);
                concerned.push((handler.clone(), cause));
            } else if seen.is_some() {
                kept.push(&handler.id);
            }
        }
        cycle.align(reason, &kept, &essence);
        let mut selection = Selection {
            calls: Vec::new(),
            due: None,
        };
        for (handler, cause) in concerned {
            match cycle.turn(&handler.id, handler.rule.initial, &essence, now) {
                Turn::Now(record) => selection.calls.push((handler, cause, record)),
                Turn::At(due) => {
                    selection.due = Some(selection.due.map_or(due, |other| other.min(due)));
                }
                Turn::Done => {}
            }
        }
        selection
    }

    /// Makes one attempt of one handler. While it runs, what an earlier one has done is saved if that
    /// takes long. Gives the time when it finished, `None` if it was cancelled.
    async fn call(
        &mut self,
        handler: Arc<Handler<ChangingCause>>,
        cause: ChangingCause,
        record: Record,
        (change, finished): (&mut Change, Option<tokio::time::Instant>),
    ) -> Result<Option<tokio::time::Instant>, ApiError> {
        let patch = Patch::new();
        let cause = match &handler.filter.field {
            Some(field) => cause.narrowed(field).with_patch(patch.clone()),
            None => cause.with_patch(patch.clone()),
        };
        let role = handler.rule.role();
        let call = Call {
            handler,
            cause,
            memos: self.memos(),
            role,
            default_mode: ErrorsMode::Temporary,
        };
        let context = self.context.clone();
        let attempt = attempt(&call, &record, &context.environment);
        tokio::pin!(attempt);
        let save_at = finished.map(|at| at + context.settings.execution.checkpoint_after);
        let cancelled = context.stop.cancel.cancelled();
        tokio::pin!(cancelled);
        let early = tokio::select! {
            biased;
            ended = &mut attempt => Some(ended),
            () = &mut cancelled => return Ok(None),
            () = sleep_until(save_at) => None,
        };
        let (record, outcome) = match early {
            Some(ended) => ended,
            None => {
                // Both go on together; the handler is not held up by the request.
                let save = self.save(std::mem::take(change));
                let rest = async {
                    tokio::select! {
                        biased;
                        ended = &mut attempt => Some(ended),
                        () = &mut cancelled => None,
                    }
                };
                let (left, ended) = tokio::join!(save, rest);
                *change = left;
                match ended {
                    Some(ended) => ended,
                    None => return Ok(None),
                }
            }
        };
        change.extend(patch.take());
        change.extend(delivered(
            &call.handler.id,
            outcome.and_then(|outcome| outcome.result),
        ));
        let essence = self.view.essence.clone();
        self.cycle().record(&call.handler.id, record, &essence);
        Ok(Some(tokio::time::Instant::now()))
    }

    fn memos(&mut self) -> Memos {
        self.memory.memos()
    }

    /// Saves what has been done so far; gives back what could not be sent.
    async fn save(&mut self, change: Change) -> Change {
        debug!("saving progress");
        match self.store(&change).await {
            Ok(()) => Change::default(),
            Err(error) => {
                warn!("progress could not be saved: {error}");
                change
            }
        }
    }

    /// Writes progress and changes; the handling goes on with the state it began with.
    async fn store(&mut self, change: &Change) -> Result<(), ApiError> {
        if (self.is_gone)() {
            return Ok(());
        }
        let state = self.in_progress();
        let what = Commit {
            change,
            state: &state,
            is_release: false,
            may_elide: false,
        };
        if let Some(written) = commit(self.context, self.kind, &self.snapshot, what).await? {
            self.memory.wrote(written.clone());
            self.snapshot = written;
        }
        Ok(())
    }

    /// What is to be remembered of a change that is still being handled.
    fn in_progress(&mut self) -> Stored {
        let Stored {
            owner,
            baseline,
            tracked,
            ..
        } = self.snapshot.found.stored.clone();
        let progress = self.cycle().stored();
        let begun = self.cycle().begun().filter(|_| !progress.is_empty());
        let begun = begun.map(|begun| self.kept(begun));
        let tracked = if begun.is_some() {
            self.kind.tracked().to_vec()
        } else {
            tracked
        };
        Stored {
            owner,
            baseline,
            begun,
            tracked,
            progress,
        }
    }

    /// An essence as the storage keeps it.
    fn kept(&self, essence: Baseline) -> Baseline {
        match essence {
            Baseline::Essence(essence) => self.kind.storage.baseline(&essence),
            digest @ Baseline::Digest(_) => digest,
        }
    }

    /// Some handlers have to wait: what is known so far is saved.
    async fn checkpoint(mut self, change: Change, due: Timestamp) -> Result<Next, ApiError> {
        if !self.cycle().is_worth_storing() && change.is_empty() {
            return Ok(Next::At(due));
        }
        match self.store(&change).await {
            Ok(()) => Ok(Next::At(due)),
            Err(error) => self.unsent(change, error).await,
        }
    }

    /// The operator stops: what has finished must not be repeated.
    async fn interrupted(mut self, change: Change) -> Result<Next, ApiError> {
        if self.cycle().is_worth_storing() || !change.is_empty() {
            self.store(&change).await?;
        }
        Ok(Next::Idle)
    }

    /// All handlers have finished: the change has been handled.
    async fn complete(mut self, change: Change, is_news: bool) -> Result<Next, ApiError> {
        if (self.is_gone)() {
            return Ok(Next::Idle);
        }
        let reason = self.view.cause.reason;
        let has_misfits = self.cycle().has_misfits();
        let is_release = reason == Reason::Delete && !has_misfits;
        let state = self.remembered(has_misfits);
        let what = Commit {
            change: &change,
            state: &state,
            is_release,
            may_elide: false,
        };
        let written = match commit(self.context, self.kind, &self.snapshot, what).await {
            Ok(written) => written,
            Err(error) => return self.unsent(change, error).await,
        };
        if is_news {
            self.tell(reason);
        }
        if has_misfits {
            if let Some(written) = written {
                self.memory.wrote(written);
            }
            return Ok(Next::Idle);
        }
        self.memory.is_initial = false;
        self.memory.is_deletion_handled |= reason == Reason::Delete;
        self.memory.unkept = None;
        if let Some(written) = written.as_ref().filter(|_| reason != Reason::Delete) {
            self.check_kept(written, &state);
        }
        self.work().cycle = None;
        self.work().failures = 0;
        match written {
            Some(written) => {
                self.memory.wrote(written);
                Ok(Next::Now)
            }
            None => Ok(Next::Idle),
        }
    }

    /// What is to be remembered of a handled change. An object that was not handled because it does
    /// not fit is not remembered as handled; one that goes at once needs no memory.
    fn remembered(&mut self, has_misfits: bool) -> Stored {
        if has_misfits {
            return self.in_progress();
        }
        let found = self.snapshot.found.stored.clone();
        let body = &self.snapshot.body;
        let is_last = body
            .finalizers()
            .all(|finalizer| finalizer == self.kind.finalizer);
        if body.is_deleting() && is_last {
            return found;
        }
        let newest = self.view.essence.clone();
        let handled = self.cycle().handled(&newest);
        self.warn_of_size(&newest);
        let tracked = self.kind.tracked().to_vec();
        // A baseline that says the same is not written again.
        let is_same = match (&found.baseline, &handled) {
            (Some(baseline), Baseline::Essence(essence)) => baseline.is(essence),
            (baseline, handled) => baseline.as_ref() == Some(handled),
        };
        let baseline = match found.baseline {
            Some(baseline) if is_same && found.tracked == tracked => baseline,
            _ => self.kept(handled),
        };
        Stored {
            baseline: Some(baseline),
            tracked,
            ..Stored::default()
        }
    }

    /// A server that does not keep our memory must not make us handle the object again and again.
    fn check_kept(&mut self, written: &Snapshot, state: &Stored) {
        if written.found.stored.baseline == state.baseline {
            return;
        }
        self.memory.unkept.clone_from(&state.baseline);
        if self
            .context
            .is_news(format!("unkept {}", self.kind.resource))
        {
            warn!(
                "the API does not keep what was handled of {} in {}: its objects are handled again at the next \
                 start; choose another place in the settings of persistence",
                self.kind.resource, self.kind.storage.place
            );
        }
    }

    fn warn_of_size(&self, essence: &Arc<Value>) {
        let key = || format!("large {}", self.snapshot.body.uid());
        if self.kind.storage.is_oversized(essence) && self.context.is_news(key()) {
            warn!(
                "the object is too large to be remembered in annotations, `old` will be none for its next \
                 update; let the schema of {} keep status.handling",
                self.kind.resource
            );
        }
    }

    fn tell(&mut self, reason: Reason) {
        let has_misfits = self.cycle().has_misfits();
        let (succeeded, failed) = self.cycle().tally();
        match (has_misfits, failed, succeeded) {
            (true, ..) => warn!(
                "{reason} is not handled: the object does not fit; tried again when it changes"
            ),
            (false, 0, 0 | 1) => debug!("{reason} is handled"),
            (false, 0, _) => info!("{reason} is handled: {succeeded} succeeded"),
            (false, ..) => warn!("{reason} is handled: {succeeded} succeeded, {failed} failed"),
        }
    }

    /// A patch could not be sent. If the API has refused what handlers want, their progress is saved
    /// without it, and it is tried again from time to time until the object changes.
    async fn unsent(mut self, change: Change, error: ApiError) -> Result<Next, ApiError> {
        let is_refused = error.failure() == Failure::Rejected && !change.is_empty();
        if !is_refused {
            if error.failure() != Failure::Missing && !change.is_empty() {
                let due = self.context.environment.clock.now();
                self.work().unsent = Some(Unsent {
                    change,
                    due,
                    attempts: 0,
                    rejected_for: None,
                });
            }
            return Err(error);
        }
        if self.view.cause.reason == Reason::Delete {
            error!(
                "the API has refused the patch of a handler, it is dropped as the object goes: {error}"
            );
            return Ok(Next::Now);
        }
        let attempts = self.work().failures;
        let pause = backoff(attempts);
        let due = after(self.context.environment.clock.now(), pause);
        error!("the API has refused the patch of a handler, next attempt in {pause:?}: {error}");
        if self.cycle().is_worth_storing() {
            self.store(&Change::default()).await?;
        }
        let rejected_for = Some(digest(&self.view.essence));
        let attempts = attempts + 1;
        self.work().failures = attempts;
        self.work().unsent = Some(Unsent {
            change,
            due,
            attempts,
            rejected_for,
        });
        Ok(Next::At(due))
    }
}

/// What is left to be sent from before.
enum Pending {
    Wait(Timestamp),
    Send(Change),
}

impl Selection {
    /// When there is something to do; the past if at once.
    fn next_due(&self) -> Option<Timestamp> {
        let now = self
            .calls
            .iter()
            .map(|(_, _, record)| record.delayed.unwrap_or(record.started));
        now.chain(self.due).min()
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
