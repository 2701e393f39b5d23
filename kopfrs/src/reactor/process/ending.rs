//! Where the handling of a change leads: it is written down when all handlers have finished, when
//! some have to wait, and when the operator stops; and again later, if the API does not take it.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tracing::{debug, error, info, warn};

use super::handling::Handling;
use crate::api::{ApiError, Failure};
use crate::cause::{Baseline, Reason};
use crate::clock::after;
use crate::object::{Change, digest};
use crate::reactor::commit::{Commit, Unsent, commit};
use crate::reactor::daemons::released;
use crate::reactor::memory::Next;
use crate::reactor::snapshot::Snapshot;
use crate::storage::Stored;

impl Handling<'_> {
    /// Saves what has been done so far; gives back what could not be sent.
    pub(super) async fn save(&mut self, change: Change) -> Change {
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
    pub(super) async fn store(&mut self, change: &Change) -> Result<(), ApiError> {
        if (self.is_gone)() {
            return Ok(());
        }
        let state = self.in_progress();
        if let Some(written) = self.send(change, &state, false).await? {
            self.memory.wrote(written.clone());
            self.snapshot = written;
        }
        Ok(())
    }

    /// Sends everything together. If the API refuses that, the changes of event handlers may be to
    /// blame: they are dropped, and must not keep the object from being handled.
    async fn send(
        &mut self,
        change: &Change,
        state: &Stored,
        is_release: bool,
    ) -> Result<Option<Snapshot>, ApiError> {
        let carried = std::mem::take(&mut self.carried);
        let mut together = carried.clone();
        together.extend(change.clone());
        let what = |change| Commit {
            change,
            state,
            is_release,
            may_elide: false,
        };
        match commit(self.context, self.kind, &self.snapshot, what(&together)).await {
            Err(error) if carried.is_empty() => Err(error),
            Err(error) if error.failure() == Failure::Rejected => {
                error!(
                    "the API has refused a patch, that of the event handlers is dropped: {error}"
                );
                commit(self.context, self.kind, &self.snapshot, what(change)).await
            }
            Err(error) => {
                self.memory.work().carried = carried;
                Err(error)
            }
            written => written,
        }
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
    pub(super) async fn checkpoint(
        mut self,
        change: Change,
        due: Timestamp,
    ) -> Result<Next, ApiError> {
        if !self.cycle().is_worth_storing() && change.is_empty() && self.carried.is_empty() {
            return Ok(Next::At(due));
        }
        match self.store(&change).await {
            Ok(()) => Ok(Next::At(due)),
            Err(error) => self.unsent(change, error).await,
        }
    }

    /// The operator stops: what has finished must not be repeated.
    pub(super) async fn interrupted(mut self, change: Change) -> Result<Next, ApiError> {
        if self.cycle().is_worth_storing() || !change.is_empty() || !self.carried.is_empty() {
            self.store(&change).await?;
        }
        Ok(Next::Idle)
    }

    /// All handlers have finished: the change has been handled.
    pub(super) async fn complete(
        mut self,
        change: Change,
        is_news: bool,
    ) -> Result<Next, ApiError> {
        if (self.is_gone)() {
            return Ok(Next::Idle);
        }
        let reason = self.view.cause.reason;
        let has_misfits = self.cycle().has_misfits();
        let is_release = reason == Reason::Delete && !has_misfits;
        if is_release && !released(self.context, self.memory).await {
            return self.held(change).await;
        }
        let state = self.remembered(has_misfits);
        let written = match self.send(&change, &state, is_release).await {
            Ok(written) => written,
            Err(error) => return self.unsent(change, error).await,
        };
        if is_news {
            self.tell(reason);
        }
        if has_misfits {
            let Some(written) = written else {
                return Ok(Next::Idle);
            };
            self.memory.wrote(written);
            return Ok(Next::Now);
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

    /// The deletion is handled, but the object must not go before its daemons have ended: then it is looked at
    /// again. Until then it is remembered that handlers need not be called again.
    async fn held(mut self, change: Change) -> Result<Next, ApiError> {
        debug!("the object waits for its daemons");
        if !self.cycle().is_worth_storing() && change.is_empty() && self.carried.is_empty() {
            return Ok(Next::Idle);
        }
        match self.store(&change).await {
            Ok(()) => Ok(Next::Idle),
            Err(error) => self.unsent(change, error).await,
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
        self.memory.unkept = state.baseline.clone().map(Box::new);
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
                "the object is too large to be remembered whole in {}: `old` will be none for its next update",
                self.kind.storage.place
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
            if !change.is_empty() {
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
        let pause = self.context.settings.queueing.error_delay(attempts);
        let due = after(self.context.environment.clock.now(), pause);
        error!("the API has refused the patch of a handler, next attempt in {pause:?}: {error}");
        let rejected_for = Some(digest(&self.view.essence));
        let attempts = attempts + 1;
        self.work().failures = attempts;
        self.work().unsent = Some(Unsent {
            change,
            due,
            attempts,
            rejected_for,
        });
        // Only now: whatever becomes of this, the change is not forgotten.
        if self.cycle().is_worth_storing() {
            self.store(&Change::default()).await?;
        }
        Ok(Next::At(due))
    }
}
