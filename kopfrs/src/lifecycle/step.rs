//! The table of the lifecycle: from where it is and what an operation has led to, to what comes next.
//!
//! Complete by construction: every phase meets every outcome, and the compiler counts them.

use super::{Applied, Deleted, Operation, Phase, Verdict, Verified};

/// Where a lifecycle is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// A deletion is under way that a delete handler has begun: it is only waited for.
    pub(crate) is_going: bool,
    /// The complete handler has done its work, or there is none.
    pub(crate) is_completed: bool,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    Operate(Operation),
    /// Call the complete handler.
    Complete,
}

/// What a task has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Told(Verdict),
    Completed,
    Failed(Task),
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    pub(crate) state: State,
    pub(crate) then: Then,
}

/// When something is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Then {
    /// At once.
    Do(Task),
    /// It is looked at again soon: it is on its way.
    Poll,
    /// It is looked at again from time to time: somebody may change it.
    Resync,
    /// After the pause that the error asks for.
    Backoff,
    /// The object may go.
    Release,
}

/// The rule.
pub(crate) fn step(state: State, outcome: Outcome) -> Step {
    match state.phase {
        Phase::Terminating => terminating(state, outcome),
        Phase::Recreating => recreating(state, outcome),
        Phase::Pending
        | Phase::Creating
        | Phase::Updating
        | Phase::Verifying
        | Phase::Completing
        | Phase::Succeeded
        | Phase::Failed => living(state, outcome),
    }
}

/// What comes first when the object is to go: something may be there, or not.
pub(crate) fn begin_termination(state: State) -> Step {
    // What a recreation has begun to delete is deleted for the object's end as well.
    let is_going = state.is_going;
    state.to(Phase::Terminating, is_going, verify())
}

impl State {
    fn to(self, phase: Phase, is_going: bool, then: Then) -> Step {
        let state = Self {
            phase,
            is_going,
            ..self
        };
        Step { state, then }
    }

    fn at(self, phase: Phase, then: Then) -> Step {
        self.to(phase, false, then)
    }

    /// It is there.
    fn arrived(self) -> Step {
        if self.is_completed {
            self.at(Phase::Succeeded, Then::Resync)
        } else {
            self.at(Phase::Completing, Then::Do(Task::Complete))
        }
    }
}

const fn operate(operation: Operation) -> Then {
    Then::Do(Task::Operate(operation))
}

const fn verify() -> Then {
    operate(Operation::Verify)
}

fn living(state: State, outcome: Outcome) -> Step {
    match outcome {
        Outcome::Told(
            Verdict::Applied(Applied::Succeeded) | Verdict::Verified(Verified::Ready),
        ) => state.arrived(),
        Outcome::Told(
            Verdict::Applied(Applied::AwaitingVerification)
            | Verdict::Verified(Verified::InProgress),
        ) => state.at(Phase::Verifying, Then::Poll),
        // What is gone, by a deletion that was for a recreation, has to be made.
        Outcome::Told(
            Verdict::Verified(Verified::Missing)
            | Verdict::Deleted(Deleted::Done | Deleted::Missing),
        ) => state.at(Phase::Creating, operate(Operation::Create)),
        Outcome::Told(Verdict::Verified(Verified::UpdateRequired)) => {
            state.at(Phase::Updating, operate(Operation::Update))
        }
        Outcome::Told(Verdict::Verified(Verified::RecreateRequired)) => {
            state.at(Phase::Recreating, operate(Operation::Delete))
        }
        Outcome::Told(Verdict::Verified(Verified::Deleting)) => {
            state.at(Phase::Pending, Then::Poll)
        }
        Outcome::Told(Verdict::Deleted(Deleted::InProgress)) => {
            state.to(Phase::Recreating, true, Then::Poll)
        }
        Outcome::Completed => State {
            is_completed: true,
            ..state
        }
        .arrived(),
        Outcome::Failed(_) => state.at(Phase::Failed, Then::Backoff),
    }
}

/// Until it is gone that is to be made anew. A deletion that was begun is waited for, and not begun again.
fn recreating(state: State, outcome: Outcome) -> Step {
    match outcome {
        Outcome::Told(Verdict::Verified(
            Verified::InProgress
            | Verified::UpdateRequired
            | Verified::RecreateRequired
            | Verified::Ready,
        )) if state.is_going => state.to(Phase::Recreating, true, Then::Poll),
        Outcome::Told(Verdict::Verified(Verified::Deleting)) => {
            state.to(Phase::Recreating, true, Then::Poll)
        }
        Outcome::Told(_) | Outcome::Completed | Outcome::Failed(_) => living(state, outcome),
    }
}

/// Until it is gone whose object is to go. The finalizer stays as long as it may be there.
fn terminating(state: State, outcome: Outcome) -> Step {
    let wait = |state: State| state.to(Phase::Terminating, true, Then::Poll);
    match outcome {
        Outcome::Told(
            Verdict::Verified(Verified::Missing)
            | Verdict::Deleted(Deleted::Done | Deleted::Missing),
        ) => state.at(Phase::Terminating, Then::Release),
        Outcome::Told(
            Verdict::Verified(Verified::Deleting) | Verdict::Deleted(Deleted::InProgress),
        ) => wait(state),
        Outcome::Told(Verdict::Verified(
            Verified::Ready
            | Verified::InProgress
            | Verified::UpdateRequired
            | Verified::RecreateRequired,
        )) if state.is_going => wait(state),
        // What could not be looked at is deleted all the same: that must work without it being there.
        Outcome::Told(Verdict::Verified(
            Verified::Ready
            | Verified::InProgress
            | Verified::UpdateRequired
            | Verified::RecreateRequired,
        ))
        | Outcome::Failed(Task::Operate(Operation::Verify)) => {
            state.at(Phase::Terminating, operate(Operation::Delete))
        }
        // What was begun before the object was to go has ended.
        Outcome::Told(Verdict::Applied(Applied::Succeeded | Applied::AwaitingVerification))
        | Outcome::Completed
        | Outcome::Failed(Task::Operate(Operation::Create | Operation::Update) | Task::Complete) => {
            state.at(Phase::Terminating, verify())
        }
        Outcome::Failed(Task::Operate(Operation::Delete)) => {
            state.at(Phase::Terminating, Then::Backoff)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const OUTCOMES: [Outcome; 17] = [
        Outcome::Told(Verdict::Applied(Applied::Succeeded)),
        Outcome::Told(Verdict::Applied(Applied::AwaitingVerification)),
        Outcome::Failed(Task::Operate(Operation::Create)),
        Outcome::Failed(Task::Operate(Operation::Update)),
        Outcome::Told(Verdict::Verified(Verified::Ready)),
        Outcome::Told(Verdict::Verified(Verified::InProgress)),
        Outcome::Told(Verdict::Verified(Verified::Missing)),
        Outcome::Told(Verdict::Verified(Verified::UpdateRequired)),
        Outcome::Told(Verdict::Verified(Verified::RecreateRequired)),
        Outcome::Told(Verdict::Verified(Verified::Deleting)),
        Outcome::Failed(Task::Operate(Operation::Verify)),
        Outcome::Told(Verdict::Deleted(Deleted::Done)),
        Outcome::Told(Verdict::Deleted(Deleted::InProgress)),
        Outcome::Told(Verdict::Deleted(Deleted::Missing)),
        Outcome::Failed(Task::Operate(Operation::Delete)),
        Outcome::Completed,
        Outcome::Failed(Task::Complete),
    ];

    fn states() -> impl Iterator<Item = State> {
        let both = [false, true];
        Phase::ALL.into_iter().flat_map(move |phase| {
            both.into_iter().flat_map(move |is_going| {
                both.into_iter().map(move |is_completed| State {
                    phase,
                    is_going,
                    is_completed,
                })
            })
        })
    }

    fn named(outcome: Outcome) -> String {
        match outcome {
            Outcome::Told(Verdict::Applied(applied)) => format!("applied {applied:?}"),
            Outcome::Told(Verdict::Verified(verified)) => format!("verified {verified:?}"),
            Outcome::Told(Verdict::Deleted(deleted)) => format!("deleted {deleted:?}"),
            Outcome::Completed => "completed".to_owned(),
            Outcome::Failed(task) => format!("failed to {}", task_named(task)),
        }
    }

    fn task_named(task: Task) -> &'static str {
        match task {
            Task::Operate(operation) => operation.name(),
            Task::Complete => "complete",
        }
    }

    fn next(step: Step) -> String {
        let then = match step.then {
            Then::Do(task) => task_named(task),
            Then::Poll => "poll",
            Then::Resync => "resync",
            Then::Backoff => "back off",
            Then::Release => "release",
        };
        let going = if step.state.is_going { " (going)" } else { "" };
        format!("{}{going}, {then}", step.state.phase)
    }

    /// The whole table, as it was read and found right: a row for each phase and outcome, with what differs while a
    /// deletion is under way, and while the complete handler has not been called.
    fn table() -> String {
        let mut text = String::new();
        for phase in Phase::ALL {
            let plain = State {
                phase,
                is_going: false,
                is_completed: true,
            };
            for outcome in OUTCOMES {
                let usual = next(step(plain, outcome));
                let _ = write!(text, "{phase:<11} | {:<29} | {usual}", named(outcome));
                let going = State {
                    is_going: true,
                    ..plain
                };
                let incomplete = State {
                    is_completed: false,
                    ..plain
                };
                for (when, state) in [("going", going), ("incomplete", incomplete)] {
                    let then = next(step(state, outcome));
                    if then != usual {
                        let _ = write!(text, " | {when}: {then}");
                    }
                }
                text.push('\n');
            }
        }
        text
    }

    #[test]
    fn every_phase_meets_every_outcome() {
        let found = table();
        if std::env::var_os("KOPFRS_BLESS").is_some() {
            std::fs::write("src/lifecycle/table.txt", &found).unwrap();
        }
        let golden = include_str!("table.txt");
        for (found, golden) in found.lines().zip(golden.lines()) {
            assert_eq!(found, golden);
        }
        assert_eq!(found.lines().count(), golden.lines().count());
    }

    #[test]
    fn an_object_is_let_go_only_when_nothing_is_there() {
        let gone = [
            Outcome::Told(Verdict::Verified(Verified::Missing)),
            Outcome::Told(Verdict::Deleted(Deleted::Done)),
            Outcome::Told(Verdict::Deleted(Deleted::Missing)),
        ];
        for state in states() {
            for outcome in OUTCOMES {
                let is_release = step(state, outcome).then == Then::Release;
                let may = state.phase == Phase::Terminating && gone.contains(&outcome);
                assert_eq!(is_release, may, "{state:?} {outcome:?}");
            }
        }
    }

    #[test]
    fn a_termination_ends_with_the_object_only() {
        for state in states().filter(|state| state.phase == Phase::Terminating) {
            for outcome in OUTCOMES {
                assert_eq!(step(state, outcome).state.phase, Phase::Terminating);
            }
        }
    }

    #[test]
    fn what_is_done_at_once_is_what_the_phase_says() {
        for state in states() {
            for outcome in OUTCOMES {
                let Step { state: after, then } = step(state, outcome);
                let Then::Do(task) = then else { continue };
                let phases: &[Phase] = match task {
                    Task::Operate(Operation::Create) => &[Phase::Creating],
                    Task::Operate(Operation::Update) => &[Phase::Updating],
                    Task::Operate(Operation::Delete) => &[Phase::Recreating, Phase::Terminating],
                    Task::Operate(Operation::Verify) => &[Phase::Terminating],
                    Task::Complete => &[Phase::Completing],
                };
                assert!(
                    phases.contains(&after.phase),
                    "{state:?} {outcome:?} {after:?}"
                );
            }
        }
    }
}
