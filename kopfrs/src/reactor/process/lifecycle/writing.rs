//! What a lifecycle writes down: how far it has come, what handlers want, and that an object may go.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tracing::{debug, error, info, warn};

use super::Lifecycle;
use super::shown::Shown;
use crate::api::{ApiError, Failure};
use crate::lifecycle::Phase;
use crate::object::Change;
use crate::reactor::commit::{Commit, commit};
use crate::reactor::daemons::released;
use crate::reactor::memory::Next;
use crate::storage::Stored;

impl Lifecycle<'_> {
    /// Everything is written down; it goes on at that time, or when something happens.
    pub(super) async fn finish(mut self, due: Option<Timestamp>) -> Result<Next, ApiError> {
        self.course().due = due;
        let is_written = self.commit().await?;
        self.course().is_unfinished = false;
        self.memory.work().failures = 0;
        // The object may have changed with what was written.
        Ok(if is_written {
            Next::Now
        } else {
            self.course().next()
        })
    }

    /// Nothing is to be done: what event handlers want is sent.
    pub(super) async fn rest(mut self) -> Result<Next, ApiError> {
        if !self.change.is_empty() {
            let asked = self.change.clone();
            match self.send(false, true).await {
                Ok(_) => {}
                Err(error) if error.failure() == Failure::Rejected => {
                    error!(
                        "the API has refused the patch of an event handler, it is dropped: {error}"
                    );
                }
                Err(error) => {
                    self.memory.work().carried = asked;
                    return Err(error);
                }
            }
        }
        Ok(self.course().next())
    }

    /// The operator stops: what handlers have done so far is written down.
    pub(super) async fn interrupted(mut self) -> Result<Next, ApiError> {
        if !self.change.is_empty() {
            self.commit().await?;
        }
        Ok(Next::Idle)
    }

    /// The object may go.
    pub(super) async fn release(mut self) -> Result<Next, ApiError> {
        self.course().is_over = true;
        if !released(self.context, self.memory).await {
            debug!("the object waits for its daemons");
            self.commit().await?;
            return Ok(Next::Idle);
        }
        let asked = self.change.clone();
        let sent = self.send(true, false).await;
        let is_written = sent.inspect_err(|_| self.put_back(asked))?;
        self.memory.is_deletion_handled = true;
        self.course().is_unfinished = false;
        Ok(if is_written { Next::Now } else { Next::Idle })
    }

    /// Writes down how far it has come, and tells of a new phase.
    pub(super) async fn commit(&mut self) -> Result<bool, ApiError> {
        let before = Shown::read(self.kind, &self.snapshot.body).phase;
        let now = self
            .context
            .environment
            .clock
            .now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let is_asked = !self.change.is_empty();
        let handlers = std::mem::take(&mut self.change);
        let shown = self.shown.change(self.kind, &self.snapshot.body, &now);
        self.change = handlers.clone();
        self.change.extend(shown.clone());
        let is_written = match self.send(false, !is_asked).await {
            Err(error) if is_asked && error.failure() == Failure::Rejected => {
                error!("the API has refused the patch of a handler, it is dropped: {error}");
                self.change = shown;
                self.send(false, true).await?
            }
            Err(error) => {
                self.put_back(handlers);
                return Err(error);
            }
            Ok(is_written) => is_written,
        };
        self.tell(before);
        Ok(is_written)
    }

    /// Keeps what could not be written for the next look: what handlers want, and what the object is to show.
    pub(super) fn put_back(&mut self, asked: Change) {
        self.memory.work().carried = asked;
        let shown = self.shown.clone();
        self.course().unwritten = Some(shown);
    }

    fn tell(&self, before: Option<Phase>) {
        let Some(phase) = self.shown.phase.filter(|phase| Some(*phase) != before) else {
            return;
        };
        let message = self.shown.message.as_deref();
        match (phase, message) {
            (Phase::Failed, message) => warn!("Failed: {}", message.unwrap_or("no message")),
            (phase, Some(message)) => info!("{phase}: {message}"),
            (phase, None) => info!("{phase}"),
        }
        let about = (&*self.kind.resource, &self.snapshot.body);
        self.context
            .posting
            .entered(about, phase.name(), (message, phase == Phase::Failed));
    }

    /// Sends what is to be changed, and what is to be remembered.
    async fn send(&mut self, is_release: bool, may_elide: bool) -> Result<bool, ApiError> {
        if (self.is_gone)() {
            return Ok(false);
        }
        let change = std::mem::take(&mut self.change);
        let state = if is_release {
            self.snapshot.found.stored.clone()
        } else {
            self.remembered()
        };
        let what = Commit {
            change: &change,
            state: &state,
            is_release,
            may_elide,
        };
        let Some(written) = commit(self.context, self.kind, &self.snapshot, what).await? else {
            return Ok(false);
        };
        self.memory.wrote(written.clone());
        self.essence = Arc::new(self.kind.essence(&written.body));
        self.snapshot = written;
        Ok(true)
    }

    fn remembered(&mut self) -> Stored {
        let tracked = self.kind.tracked().to_vec();
        let course = self.course();
        Stored {
            baseline: course.seen(),
            progress: course.records.clone(),
            tracked,
            ..Stored::default()
        }
    }
}
