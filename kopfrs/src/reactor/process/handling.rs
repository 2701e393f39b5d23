//! The handling of one change: handlers are selected and called one after another; where that leads
//! is told in `ending`.

use std::pin::{Pin, pin};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tracing::error;

use super::subhandling::{Soil, Tree, tell};
use super::{IsGone, View, delivered};
use crate::action::{Call, Cycle, Occasion, Turn, attempt_parted, choose};
use crate::api::ApiError;
use crate::cause::{ChangingCause, Reason};
use crate::handler::{ErrorsMode, Handler, Memos, Outcome};
use crate::object::{Change, Patch, digest, equal};
use crate::reactor::context::Context;
use crate::reactor::kind::{Kind, applies};
use crate::reactor::memory::{Memory, Next, Work};
use crate::reactor::snapshot::Snapshot;
use crate::storage::Record;

/// A change of an object on its way through the handlers.
pub(super) struct Handling<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) kind: &'a Arc<Kind>,
    pub(super) memory: &'a mut Memory,
    pub(super) snapshot: Snapshot,
    pub(super) view: View,
    pub(super) is_gone: IsGone<'a>,
    /// Changes by event handlers, to be sent with what comes of the others.
    pub(super) carried: Change,
}

/// What has happened, to one handler.
pub(super) struct Concern {
    pub(super) cause: ChangingCause,
    /// Whether anything has: what was taken back is no change for those who have not heard of it.
    pub(super) is_change: bool,
    /// It has finished with another state than the present one.
    pub(super) has_seen: bool,
}

impl Concern {
    /// While an update is not handled, those who have finished hear of what has changed since.
    pub(super) fn of(
        cycle: &Cycle,
        base: &ChangingCause,
        (id, essence): (&str, &Arc<Value>),
    ) -> Self {
        let is_update = base.reason == Reason::Update;
        let is_same_update = is_update && cycle.reason() == Some(Reason::Update);
        let seen = cycle.seen(id);
        let seen = seen.filter(|seen| is_same_update && !equal(seen, essence));
        let is_forgotten = is_same_update && cycle.has_forgotten(id, essence);
        let between = |old: Option<Arc<Value>>| {
            let (resource, body) = (base.resource.clone(), base.body.clone());
            let (causes, sides) = ((base.reason, base.initial), (old, essence.clone()));
            ChangingCause::new(resource, body, causes, sides)
        };
        let cause = match seen {
            Some(seen) => between(Some(seen.clone())),
            None if is_forgotten && base.diff.is_empty() => between(None),
            None => base.clone(),
        };
        let has_seen = seen.is_some();
        let is_heard_below = is_same_update && cycle.is_outdated_below(id, essence);
        Self {
            is_change: !is_update || !cause.diff.is_empty() || is_heard_below,
            cause,
            has_seen,
        }
    }
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
        let attempts = self.cycle().attempts();
        let chosen = choose(
            &self.context.settings.execution,
            Occasion {
                uid: self.snapshot.body.uid(),
                attempts,
            },
            selection.calls,
            |(_, _, record)| record.retries,
        );
        let calls = chosen.len();
        let mut finished = None;
        for (handler, cause, record) in chosen {
            if self.context.term().drain.is_cancelled() {
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

    pub(super) fn work(&mut self) -> &mut Work {
        self.memory.work()
    }

    pub(super) fn cycle(&mut self) -> &mut Cycle {
        let stored = &self.snapshot.found.stored;
        let work = self.memory.work.get_or_insert_default();
        work.cycle.get_or_insert_with(|| Cycle::resume(stored))
    }

    /// What is left to be sent from before. What the API has refused waits for its time, and is
    /// dropped when the object changes: its handlers are called again then.
    fn pending(&mut self, now: Timestamp) -> Pending {
        let Some(unsent) = self.work().unsent.take() else {
            self.carried = std::mem::take(&mut self.work().carried);
            return Pending::Send(Change::default());
        };
        let essence = digest(&self.view.essence);
        let is_deleting = self.view.cause.reason == Reason::Delete;
        let is_outdated = |rejected: &String| is_deleting || *rejected != essence;
        if unsent.rejected_for.as_ref().is_some_and(is_outdated) {
            self.cycle().reopen();
            self.carried = std::mem::take(&mut self.work().carried);
            return Pending::Send(Change::default());
        }
        if unsent.due > now && unsent.rejected_for.is_some() {
            let due = unsent.due;
            self.work().unsent = Some(unsent);
            return Pending::Wait(due);
        }
        self.carried = std::mem::take(&mut self.work().carried);
        // The count of attempts is kept for the next refusal.
        self.work().failures = self.work().failures.max(unsent.attempts);
        Pending::Send(unsent.change)
    }

    /// Who is concerned, and whose turn it is.
    fn select(&mut self, now: Timestamp) -> Selection {
        let reason = self.view.cause.reason;
        let essence = self.view.essence.clone();
        let kind = self.kind.clone();
        let base = self.view.cause.clone();
        let cycle = self.cycle();
        let mut concerned: Vec<(Arc<Handler<ChangingCause>>, ChangingCause)> = Vec::new();
        let mut kept: Vec<&str> = Vec::new();
        for handler in &kind.handlers.changing {
            let is_twice = concerned.iter().any(|(other, _)| other.id == handler.id);
            let concern = Concern::of(cycle, &base, (&handler.id, &essence));
            let is_change = handler.rule.initial || concern.is_change;
            if !is_twice && is_change && applies(handler, &concern.cause) {
                kept.push(&handler.id);
                concerned.push((handler.clone(), concern.cause));
            } else if concern.has_seen {
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

    /// Makes one attempt of one handler, and of its sub-handlers. Gives the time when it finished, `None`
    /// if it was cancelled.
    async fn call(
        &mut self,
        handler: Arc<Handler<ChangingCause>>,
        cause: ChangingCause,
        record: Record,
        (change, finished): (&mut Change, Option<Instant>),
    ) -> Result<Option<Instant>, ApiError> {
        let patch = Patch::new();
        let tree = self.tree(&handler);
        let subhandlers = tree.subhandlers(&handler, (&record, &patch));
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
            discreet_about: None,
        };
        let context = self.context.clone();
        let attempt = attempt_parted(&call, &record, &context.environment, Some(&subhandlers));
        let ended = self.drive(pin!(attempt), &tree, (change, finished)).await;
        let (cycle, grown) = tree.fell();
        self.work().cycle = Some(cycle);
        change.extend(grown);
        let Some((record, outcome)) = ended else {
            return Ok(None);
        };
        let record = understood(record, outcome.as_ref());
        change.extend(patch.take());
        let id = &call.handler.id;
        change.extend(delivered(id, outcome.and_then(|outcome| outcome.result)));
        tell(&context, (self.kind, &call.cause), id, &record);
        let essence = self.view.essence.clone();
        let registered = subhandlers.whole_ids();
        self.cycle().conclude(id, record, &registered, &essence);
        Ok(Some(Instant::now()))
    }

    /// What a handler has below it. It holds what is known of all handlers until its attempt is over.
    fn tree(&mut self, handler: &Handler<ChangingCause>) -> Arc<Tree> {
        let soil = Soil {
            cycle: std::mem::take(self.cycle()),
            context: self.context.clone(),
            kind: self.kind.clone(),
            memos: self.memos(),
            cause: self.view.cause.clone(),
            essence: self.view.essence.clone(),
        };
        Tree::new(soil, handler)
    }

    /// Lets an attempt go on to its end. While it runs, what earlier handlers have done is saved if it
    /// takes long, and so is what its sub-handlers have done; it is not held up by that.
    async fn drive<T>(
        &mut self,
        mut attempt: Pin<&mut impl Future<Output = T>>,
        tree: &Tree,
        (change, finished): (&mut Change, Option<Instant>),
    ) -> Option<T> {
        let context = self.context.clone();
        let mut cancelled = pin!(context.cancelled());
        let (mut finished, pause) = (finished, self.context.settings.execution.checkpoint_after);
        loop {
            tokio::select! {
                biased;
                ended = &mut attempt => return Some(ended),
                () = &mut cancelled => return None,
                at = tree.finished() => finished = finished.or(Some(at)),
                () = sleep_until(finished.map(|at| at + pause)) => {
                    finished = None;
                    let (cycle, grown) = tree.so_far();
                    self.work().cycle = Some(cycle);
                    change.extend(grown);
                    let mut save = pin!(self.save(std::mem::take(change)));
                    let mut ended = None;
                    *change = loop {
                        tokio::select! {
                            biased;
                            left = &mut save => break left,
                            out = &mut attempt, if ended.is_none() => ended = Some(Some(out)),
                            () = &mut cancelled, if ended.is_none() => ended = Some(None),
                        }
                    };
                    if let Some(ended) = ended {
                        return ended;
                    }
                }
            }
        }
    }

    fn memos(&mut self) -> Memos {
        self.memory.memos()
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

/// Only verification can tell when that is there which is on its way: without a verify handler, such an outcome is a
/// mistake.
fn understood(record: Record, outcome: Option<&Outcome>) -> Record {
    let verdict = outcome.and_then(|outcome| outcome.verdict.as_ref());
    let Some(report) = verdict.filter(|report| report.outcome.is_on_its_way()) else {
        return record;
    };
    let message = format!(
        "returned {:?}, but there is no verify handler to tell when it is there: declare one with `on::verify`",
        report.outcome
    );
    error!("{message}");
    Record {
        success: false,
        failure: true,
        message: Some(message),
        ..record
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
