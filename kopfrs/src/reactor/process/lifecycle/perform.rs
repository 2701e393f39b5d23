//! One task of a lifecycle: the handler is called, and told apart what it has led to.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::Lifecycle;
use super::shown::applied;
use crate::action::{Call, attempt};
use crate::cause::{ChangingCause, Reason};
use crate::handler::{self, ErrorsMode, Handler};
use crate::lifecycle::{Applied, Deleted, Operation, Outcome, Report, Task, Verdict};
use crate::object::Patch;
use crate::reactor::process::delivered;
use crate::storage::Record;

/// What has become of a task.
pub(super) enum Performed {
    /// It has ended, with this to be said about it.
    Ended(Outcome, Report),
    /// Its handler asks to be called again later, for this reason.
    Waits(Option<Timestamp>, String),
    /// It has failed, and is tried again at that time, if at all.
    Failed(Option<Timestamp>, String),
    /// The operator stops.
    Cancelled,
}

fn reason_of(task: Task) -> Reason {
    match task {
        Task::Operate(Operation::Create) => Reason::Create,
        Task::Operate(Operation::Update) => Reason::Update,
        Task::Operate(Operation::Verify) => Reason::Verify,
        Task::Operate(Operation::Delete) => Reason::Delete,
        Task::Complete => Reason::Complete,
    }
}

impl Lifecycle<'_> {
    /// The handler of a task, if there is one for this object, and what it is called with.
    pub(super) fn handler(
        &self,
        task: Task,
    ) -> Option<(Arc<Handler<ChangingCause>>, ChangingCause)> {
        let reason = reason_of(task);
        let essence = self.essence.clone();
        let old = self.shown.last_applied.as_ref();
        let old = old.map(|last| Arc::new(applied(last, &essence)));
        let cause = ChangingCause::new(
            self.kind.resource.clone(),
            self.snapshot.body.clone(),
            (reason, self.is_initial),
            (old, essence),
        );
        let mut handlers = self.kind.handlers.changing.iter();
        let found = handlers.find(|handler| {
            handler.rule.reason == Some(reason) && handler.filter.matches(&cause, false)
        });
        found.map(|handler| (handler.clone(), cause))
    }

    /// Calls the handler of a task.
    pub(super) async fn perform(&mut self, task: Task) -> Performed {
        let Some((handler, cause)) = self.handler(task) else {
            let reason = reason_of(task);
            let message = format!(
                "there is no {reason} handler for this object: declare one with `on::{reason}`"
            );
            return Performed::Failed(None, message);
        };
        let now = self.context.environment.clock.now();
        let record = self.course().record(&handler.id, cause.reason, now);
        let patch = Patch::new();
        let call = Call {
            role: handler.rule.role(),
            handler,
            cause: cause.with_patch(patch.clone()),
            memos: self.memory.memos(),
            default_mode: ErrorsMode::Temporary,
            discreet_about: Some(self.snapshot.body.clone()),
        };
        let (record, outcome) = tokio::select! {
            biased;
            ended = attempt(&call, &record, &self.context.environment) => ended,
            () = self.context.cancelled() => return Performed::Cancelled,
        };
        self.change.extend(patch.take());
        let id = &call.handler.id;
        let outcome = match outcome {
            // An error that is to be ignored is a success of which nothing is told.
            None if record.success => handler::Outcome::none(),
            None => return self.failed(id, record),
            Some(outcome) => outcome,
        };
        self.change.extend(delivered(id, outcome.result.clone()));
        match told(task, &outcome) {
            Ok((outcome, report)) => {
                self.succeeded(id, record, task);
                Performed::Ended(outcome, report)
            }
            Err(message) => {
                let message = Some(message);
                let failure = Record {
                    failure: true,
                    success: false,
                    message,
                    ..record
                };
                self.failed(id, failure)
            }
        }
    }

    /// The attempts are over. That of the complete handler is remembered, or it would be called again.
    fn succeeded(&mut self, id: &str, record: Record, task: Task) {
        let records = &mut self.course().records;
        match task {
            Task::Complete => drop(records.insert(id.to_owned(), record)),
            Task::Operate(_) => drop(records.remove(id)),
        }
    }

    fn failed(&mut self, id: &str, record: Record) -> Performed {
        let message = record.message.clone().unwrap_or_default();
        let (due, is_wait) = (record.delayed, record.is_wait);
        self.course().records.insert(id.to_owned(), record);
        if is_wait {
            Performed::Waits(due, message)
        } else {
            Performed::Failed(due, message)
        }
    }
}

/// What a handler has told, if that can be told of its task.
fn told(task: Task, outcome: &handler::Outcome) -> Result<(Outcome, Report), String> {
    let report = match (&outcome.verdict, task) {
        (Some(report), _) => report.clone(),
        (None, Task::Operate(Operation::Create | Operation::Update)) => {
            Report::from(Applied::Succeeded).erase()
        }
        (None, Task::Operate(Operation::Delete)) => Report::from(Deleted::Done).erase(),
        (None, Task::Complete) => {
            return Ok((Outcome::Completed, Report::from(Applied::Succeeded).erase()));
        }
        (None, Task::Operate(Operation::Verify)) => {
            return Err(
                "a verify handler must return what it has found: `Verified::Ready`, say".to_owned(),
            );
        }
    };
    let fits = matches!(
        (task, report.outcome),
        (
            Task::Operate(Operation::Create | Operation::Update),
            Verdict::Applied(_)
        ) | (Task::Operate(Operation::Verify), Verdict::Verified(_))
            | (Task::Operate(Operation::Delete), Verdict::Deleted(_))
    );
    if fits {
        return Ok((Outcome::Told(report.outcome), report));
    }
    let reason = reason_of(task);
    Err(format!(
        "{:?} cannot be the outcome of a {reason} handler",
        report.outcome
    ))
}

/// A payload that says nothing leaves what is there.
pub(super) fn payload(report: &Report) -> Option<Value> {
    report.payload.clone().filter(|payload| !payload.is_null())
}
