//! The lifecycle of the thing that an object stands for, for kinds that have a verify handler: what is found decides
//! which handler is called. The rules are in [`crate::lifecycle`]; here they are carried out.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tracing::{debug, error, warn};

use super::IsGone;
use crate::api::ApiError;
use crate::clock::after;
use crate::lifecycle::{
    Operation, Outcome, Permissions, Phase, Policy, Report, State, Task, Then, Verdict, Verified,
    begin_termination, step,
};
use crate::object::{Change, Secrets};
use crate::reactor::context::Context;
use crate::reactor::kind::Kind;
use crate::reactor::memory::{Memory, Next};
use crate::reactor::snapshot::Snapshot;

mod course;
mod gate;
mod perform;
mod shown;
mod writing;

pub(crate) use self::course::Course;
use self::perform::{Performed, payload};
use self::shown::Shown;

/// The annotation that says which operations an object permits.
const PERMISSIONS: &str = "access-permissions";

/// An object on its way through its lifecycle.
pub(super) struct Lifecycle<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) kind: &'a Arc<Kind>,
    pub(super) memory: &'a mut Memory,
    pub(super) snapshot: Snapshot,
    /// The essence of the snapshot.
    pub(super) essence: Arc<Value>,
    pub(super) policy: Policy,
    pub(super) is_gone: IsGone<'a>,
    /// What handlers want.
    pub(super) change: Change,
    /// What the object is to show.
    shown: Shown,
    /// The operator sees the object for the first time.
    is_initial: bool,
}

/// Why a task is not even begun.
struct Refusal(String);

/// How one task has gone.
enum Turn {
    /// It has ended; if it has failed, it can be tried again at that time.
    Ended(Outcome, Option<Timestamp>),
    /// Its handler asks to be called again at that time.
    Waits(Option<Timestamp>),
    /// The object does not permit it.
    Refused(String),
    /// The operator stops.
    Interrupted,
}

impl<'a> Lifecycle<'a> {
    pub(super) fn new(
        (context, kind, policy): (&'a Arc<Context>, &'a Arc<Kind>, Policy),
        memory: &'a mut Memory,
        (snapshot, essence): (&Snapshot, Arc<Value>),
        is_gone: IsGone<'a>,
    ) -> Self {
        if memory.course.is_none() {
            memory.course = Some(Box::new(Course::resume(snapshot)));
        }
        let change = std::mem::take(&mut memory.work().carried);
        let course = memory.course.as_deref_mut();
        let unwritten = course.and_then(|course| course.unwritten.take());
        Self {
            shown: Shown::read(kind, &snapshot.body).with(unwritten),
            is_initial: std::mem::take(&mut memory.is_initial),
            snapshot: snapshot.clone(),
            essence,
            context,
            kind,
            memory,
            policy,
            is_gone,
            change,
        }
    }

    /// What there is to do now is done, up to where something has to be waited for.
    pub(super) async fn run(mut self, has_finalizer: bool) -> Result<Next, ApiError> {
        let is_deleting = self.snapshot.body.is_deleting();
        let is_verified = self.handler(Task::Operate(Operation::Verify)).is_some();
        let is_concerned = if is_deleting {
            has_finalizer
        } else {
            is_verified
        };
        if is_deleting && has_finalizer && self.course().is_over {
            return self.release().await;
        }
        let is_woken = std::mem::take(&mut self.memory.work().is_woken);
        if !is_concerned || !(self.is_due(is_deleting) || is_woken) {
            return self.rest().await;
        }
        let essence = self.essence.clone();
        self.course().begin(&essence, is_deleting);
        self.shown.generation = self.snapshot.body.meta()["generation"].as_i64();
        let permissions = match self.permissions() {
            Ok(permissions) => permissions,
            Err(Refusal(message)) => return self.refused(message).await,
        };
        if !is_deleting && let Some(why) = self.told_unmet().await? {
            self.shown.message = Some(why);
            self.enter_phase(Phase::Pending);
            return self.finish_for_now().await;
        }
        if is_deleting {
            let delete = Task::Operate(Operation::Delete);
            if !permissions.permit(Operation::Delete) || self.handler(delete).is_none() {
                debug!("what the object stands for stays as it is");
                return self.release().await;
            }
        }
        self.go_on(permissions, is_deleting).await
    }

    /// What the object still waits for; what could not be written before is kept if nobody can tell.
    async fn told_unmet(&mut self) -> Result<Option<String>, ApiError> {
        let unmet = self.unmet().await;
        if unmet.is_err() {
            let asked = std::mem::take(&mut self.change);
            self.put_back(asked);
        }
        unmet
    }

    /// Does one task after the other, as long as each leads to the next at once.
    async fn go_on(
        mut self,
        permissions: Permissions,
        is_deleting: bool,
    ) -> Result<Next, ApiError> {
        let mut state = self.state();
        if is_deleting && state.phase != Phase::Terminating {
            state = begin_termination(state).state;
            self.shown.message = None;
            self.enter(state);
            self.commit().await?;
        }
        let mut task = Task::Operate(Operation::Verify);
        if is_deleting && self.handler(task).is_none() {
            task = Task::Operate(Operation::Delete);
        }
        loop {
            let (outcome, due) = match self.turn(task, permissions).await {
                Turn::Ended(outcome, due) => (outcome, due),
                Turn::Waits(due) => {
                    self.enter_phase(state.phase);
                    return self.finish(due).await;
                }
                Turn::Refused(message) => return self.refused(message).await,
                Turn::Interrupted => return self.interrupted().await,
            };
            let next = step(state, outcome);
            state = next.state;
            self.enter(state);
            let Then::Do(next) = next.then else {
                return self.settle(next.then, due).await;
            };
            task = next;
            // What is begun is told before: should the operator die in it, that is known.
            self.commit().await?;
            if (self.is_gone)() {
                return Ok(Next::Idle);
            }
        }
    }

    /// Does one task, if that is permitted, and takes up what is to be said about it.
    async fn turn(&mut self, task: Task, permissions: Permissions) -> Turn {
        if let Task::Operate(operation) = task
            && !permissions.permit(operation)
        {
            let key = self.annotation();
            let letter = operation.name()[..1].to_ascii_uppercase();
            return Turn::Refused(format!(
                "the annotation {key} does not permit to {operation}: add {letter} to it to allow that"
            ));
        }
        if self.context.term().drain.is_cancelled() {
            return Turn::Interrupted;
        }
        let (outcome, due) = match self.perform(task).await {
            Performed::Ended(outcome, report) => {
                self.heard(report);
                (outcome, None)
            }
            Performed::Waits(due, message) => {
                self.shown.set_message(Some(&message));
                return Turn::Waits(due);
            }
            Performed::Failed(due, message) => {
                self.shown.set_message(Some(&message));
                (Outcome::Failed(task), due)
            }
            Performed::Cancelled => return Turn::Interrupted,
        };
        self.note_applied(task, outcome);
        Turn::Ended(outcome, due)
    }

    /// Nothing more is to be done at once.
    async fn settle(self, then: Then, due: Option<Timestamp>) -> Result<Next, ApiError> {
        let is_terminating = self.shown.phase == Some(Phase::Terminating);
        let pause = match then {
            Then::Backoff if is_terminating && self.policy.is_orphaned => {
                warn!("what the object stands for could not be deleted, and is left behind");
                return self.release().await;
            }
            Then::Release => return self.release().await,
            Then::Poll => Some(self.in_(self.policy.poll)),
            // The end of an object is never given up.
            Then::Backoff if self.policy.is_parked && !is_terminating => None,
            Then::Backoff => due,
            Then::Resync | Then::Do(_) => None,
        };
        match pause {
            Some(due) => self.finish(Some(due)).await,
            None if then == Then::Backoff && self.policy.is_parked => self.finish(None).await,
            // What has failed for good may have been mended from outside by the time of the next look.
            None => self.finish_for_now().await,
        }
    }

    pub(super) fn course(&mut self) -> &mut Course {
        let snapshot = &self.snapshot;
        self.memory
            .course
            .get_or_insert_with(|| Box::new(Course::resume(snapshot)))
    }

    /// Whether there is anything to do: the object has changed, the time has come, or it is seen for the first time.
    fn is_due(&mut self, is_deleting: bool) -> bool {
        let essence = self.essence.clone();
        let now = self.context.environment.clock.now();
        let (phase, is_once) = (self.shown.phase, self.policy.is_once);
        let is_first = self.is_initial || phase.is_none();
        let course = self.course();
        if course.is_unfinished || course.is_changed(&essence, is_deleting) {
            return true;
        }
        if is_first {
            // A pause after an error outlives the operator, and so does it that nothing is to be done any more.
            match phase {
                Some(Phase::Failed) => course.due = course.next_attempt(),
                Some(Phase::Succeeded) if is_once => return false,
                _ => return true,
            }
            return course.due.is_none_or(|due| due <= now);
        }
        course.due.is_some_and(|due| due <= now)
    }

    fn state(&mut self) -> State {
        let complete = self
            .handler(Task::Complete)
            .map(|(handler, _)| handler.id.clone());
        let phase = self.shown.phase.unwrap_or_default();
        let course = self.course();
        let is_completed =
            complete.is_none_or(|id| course.records.get(&id).is_some_and(|record| record.success));
        State {
            phase,
            is_going: course.is_going,
            is_completed,
        }
    }

    fn annotation(&self) -> String {
        format!("{}/{PERMISSIONS}", self.kind.storage.prefix)
    }

    fn permissions(&self) -> Result<Permissions, Refusal> {
        let key = self.annotation();
        let text = self.snapshot.body.annotation(&key);
        Permissions::parse(text).map_err(|error| Refusal(format!("the annotation {key}: {error}")))
    }

    /// Nothing may be done, until the object changes or by the next look from time to time.
    async fn refused(mut self, message: String) -> Result<Next, ApiError> {
        warn!("{message}");
        let is_deleting = self.snapshot.body.is_deleting();
        self.shown.message = Some(message);
        self.enter_phase(if is_deleting {
            Phase::Terminating
        } else {
            Phase::Failed
        });
        self.finish_for_now().await
    }

    /// Takes up what a handler has told.
    fn heard(&mut self, report: Report) {
        let secrets = Secrets::default().mask(self.snapshot.body.spec());
        if let Some(payload) = payload(&report) {
            let payload = secrets.apply_to_value(payload);
            if let Err(size) = self.shown.set_payload(self.kind, payload) {
                error!(
                    "the payload has {size} bytes, which is too much: the one before stays; keep it elsewhere, and name \
                     its place in the payload"
                );
            }
        }
        let message = report.message.map(|message| secrets.apply(&message));
        self.shown.set_message(message.as_deref());
    }

    /// Remembers what was applied, or found to be there as it is asked for: that it was applied may not have been
    /// written down. After a failure nobody knows what is there.
    fn note_applied(&mut self, task: Task, outcome: Outcome) {
        let is_applying = matches!(task, Task::Operate(Operation::Create | Operation::Update));
        match outcome {
            Outcome::Told(Verdict::Applied(_) | Verdict::Verified(Verified::Ready)) => {
                let kept = self.shown.set_applied(self.kind, &self.snapshot.body);
                if let Err(size) = kept
                    && self
                        .context
                        .is_news(format!("applied {}", self.snapshot.body.uid()))
                {
                    warn!(
                        "the spec and the annotations of the object have {size} bytes, which is too much to remember the \
                         spec as applied: `old` will be none"
                    );
                }
            }
            Outcome::Failed(_) if is_applying => self.shown.last_applied = None,
            Outcome::Told(_) | Outcome::Completed | Outcome::Failed(_) => {}
        }
    }

    fn enter(&mut self, state: State) {
        self.course().is_going = state.is_going;
        self.enter_phase(state.phase);
    }

    fn enter_phase(&mut self, phase: Phase) {
        self.shown.phase = Some(phase);
    }

    fn in_(&self, pause: Duration) -> Timestamp {
        after(self.context.environment.clock.now(), pause)
    }

    /// Nothing is going on until it is time to look whether all is as it was.
    async fn finish_for_now(mut self) -> Result<Next, ApiError> {
        let resync = self.policy.resync.filter(|_| !self.policy.is_once);
        let due = resync.map(|resync| self.in_(resync));
        self.course().is_resting = true;
        self.finish(due).await
    }
}

/// What a lifecycle adds to the essence of its objects: permissions are changed to be followed.
pub(crate) fn of_essence(kind: &Kind, body: &crate::object::Body) -> Option<(String, Value)> {
    kind.policy()?;
    let key = format!("{}/{PERMISSIONS}", kind.storage.prefix);
    let text = body.annotation(&key)?;
    Some((key, text.into()))
}
