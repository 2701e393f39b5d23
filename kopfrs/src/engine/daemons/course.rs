//! What the task of a daemon or a timer does as long as nobody tells it to end: calls, pauses, retries.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::runner::Runner;
use super::schedule::{Pause, pause};
use crate::action::{Call, attempt};
use crate::api::Failure;
use crate::cause::{Live, Reason, SpawningCause};
use crate::handler::{Course, ErrorsMode, HandlerError, Schedule};
use crate::object::Change;
use crate::on::{Thread, Threads};
use crate::storage::Record;

/// The longest pause between two attempts to change an object.
const MAX_PAUSE: Duration = Duration::from_secs(64);

impl Runner {
    /// Goes along with the object. Ends when there is nothing more to do, and when it is noticed between two
    /// calls that it is to end.
    pub(super) async fn go_along(&self) {
        if let Some(delay) = self.initial_delay()
            && self.stopped.wait_async(delay).await
        {
            return;
        }
        match self.handler.rule.course {
            Course::Daemon(_) => self.daemon().await,
            Course::Timer(schedule) => self.timer(schedule).await,
        }
    }

    fn initial_delay(&self) -> Option<Duration> {
        let delay = self.handler.rule.initial_delay.as_ref()?;
        let cause = self.cause(self.subject.live());
        let asked = catch_unwind(AssertUnwindSafe(|| delay.of(&cause)));
        asked
            .map_err(|panic| {
                let error = HandlerError::of_panic(&*panic);
                error!("the function of `initial_delay` {error}; it begins at once");
            })
            .ok()
    }

    /// Until an attempt has succeeded, or failed for good.
    async fn daemon(&self) {
        let mut record = self.begin();
        while !self.stopped.is_set() {
            let seen = self.subject.live();
            record = match Box::pin(self.attempt(&record, &seen)).await {
                Some(record) => record,
                None => return,
            };
            if record.is_misfit {
                self.until_other(&seen).await;
                record = self.begin();
            } else if record.is_finished() {
                return;
            } else {
                self.delay(&record).await;
            }
        }
    }

    /// Again and again, until an attempt has failed for good.
    async fn timer(&self, schedule: Schedule) {
        let mut unfinished: Option<Record> = None;
        loop {
            if let Some(idle) = schedule.idle {
                self.until_idle(idle).await;
            }
            if self.stopped.is_set() {
                return;
            }
            let (began, seen) = (Instant::now(), self.subject.live());
            let record = unfinished.take().unwrap_or_else(|| self.begin());
            let Some(record) = Box::pin(self.attempt(&record, &seen)).await else {
                return;
            };
            if record.is_misfit {
                self.until_other(&seen).await;
            } else if record.failure {
                return;
            } else if record.success {
                match pause(schedule, began.elapsed()) {
                    Pause::For(pause) => drop(self.stopped.wait_async(pause).await),
                    Pause::UntilChange => self.until_change(began).await,
                    Pause::Forever => return,
                }
            } else {
                self.delay(&record).await;
                unfinished = Some(record);
            }
        }
    }

    fn begin(&self) -> Record {
        Record::new(Reason::Resume, self.environment().clock.now())
    }

    /// Waits for the time of the next attempt.
    async fn delay(&self, record: &Record) {
        if let Some(due) = record.delayed {
            let pause = self.environment().clock.until(due);
            self.stopped.wait_async(pause).await;
        }
    }

    /// Waits until the object has not been changed for that long. Each change makes it longer.
    async fn until_idle(&self, idle: Duration) {
        let live = self.subject.live();
        loop {
            let rest = idle.saturating_sub(live.changed_at().elapsed());
            if rest.is_zero() || self.stopped.wait_async(rest).await {
                return;
            }
        }
    }

    /// Waits until the object is changed after that time.
    async fn until_change(&self, since: Instant) {
        let live = self.subject.live();
        tokio::select! {
            () = live.changed_after(since) => {}
            () = self.stopped.until_set() => {}
        }
    }

    /// Waits for another state of the object than was seen, be it of its status only: what does not fit the types of
    /// the function may be anywhere.
    async fn until_other(&self, seen: &Live) {
        tokio::select! {
            () = seen.changed() => {}
            () = self.stopped.until_set() => {}
        }
    }

    fn cause(&self, live: Live) -> SpawningCause {
        let seen = (live, self.stopped.clone());
        SpawningCause::attempt(self.subject.resource(), seen, self.presence.token())
    }

    /// Waits for a thread, if the function blocks one; `None` if it is to end before it has got one.
    async fn thread(&self) -> Option<Option<Thread>> {
        if !self.handler.is_blocking {
            return Some(None);
        }
        let environment = self.environment();
        if let Some(thread) = Threads::free(environment) {
            return Some(Some(thread));
        }
        if !self.shortage.swap(true, Ordering::Relaxed) {
            warn!(
                "{} waits for a thread, as there are no more than `execution.max_workers` of them: declare functions \
                 that run for long as `async fn`",
                self.name()
            );
        }
        tokio::select! {
            biased;
            () = self.stopped.until_set() => None,
            thread = Threads::next(environment) => Some(Some(thread)),
        }
    }

    /// Makes one attempt with the object as it is now, and changes it as the function has asked for. `None` if it is to
    /// end before the function could be called.
    async fn attempt(&self, record: &Record, live: &Live) -> Option<Record> {
        let thread = self.thread().await?;
        let cause = self.cause(live.clone());
        let patch = cause.patch.clone();
        let call = Call {
            handler: self.handler.clone(),
            cause,
            memos: self.subject.memos(),
            role: self.handler.rule.role(),
            default_mode: ErrorsMode::Temporary,
            discreet_about: None,
        };
        let attempt = attempt(&call, record, self.environment());
        let (record, outcome) = match thread {
            Some(thread) => thread.lent_to(attempt).await,
            None => attempt.await,
        };
        drop(call);
        self.subject.attempted(&self.handler.id, &record);
        let mut change = patch.take();
        if let Some(result) = outcome.and_then(|outcome| outcome.result) {
            let id = &*self.handler.id;
            change.extend(Change {
                merge: json!({"status": {id: result}}),
                transforms: Vec::new(),
            });
        }
        if !change.is_empty() {
            self.write(change).await;
        }
        Some(record)
    }

    /// Changes the object. What cannot be sent is tried again, and once more when it is to end.
    async fn write(&self, change: Change) {
        let is_asked_often = matches!(self.handler.rule.course, Course::Timer(_));
        let mut pause = Duration::from_secs(1);
        loop {
            let is_last = self.stopped.is_set();
            let Err(error) = self.subject.write(change.clone(), is_asked_often).await else {
                return;
            };
            match error.failure() {
                Failure::Missing => return debug!("the object is gone: {error}"),
                Failure::Rejected => {
                    return error!(
                        "the API has refused the patch of a {}, it is dropped: {error}",
                        self.handler.rule.role()
                    );
                }
                _ if is_last => {
                    return error!("the object could not be patched before the end: {error}");
                }
                _ => error!(
                    "the object could not be patched, it is tried again in {pause:?}: {error}"
                ),
            }
            self.stopped.wait_async(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}
