//! Exit codes as outcomes: what a program says by how it ends. Pure.

use std::fmt;

use crate::lifecycle::{Applied, Deleted, Operation, Verdict, Verified};

/// How a program has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Why the end of a program is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// It says that the operation has failed: 203, 213, 223.
    #[error(
        "{program} says with exit code {code} that {operation} has failed, and does not say why"
    )]
    Failed {
        /// The program, as people know it.
        program: String,
        /// What it was to do.
        operation: Operation,
        /// The code.
        code: u8,
    },
    /// It has ended in a way that means nothing for the operation.
    #[error(
        "{program} {exit}{}, which says nothing of what came of {operation}: it may exit with {}",
        elsewhere(*exit), allowed(*operation)
    )]
    Unexpected {
        /// The program, as people know it.
        program: String,
        /// What it was to do.
        operation: Operation,
        /// How it has ended.
        exit: Exit,
    },
}

/// What a code means.
#[derive(Clone, Copy)]
enum Meaning {
    Is(Verdict),
    Failure,
}

/// All codes: the number, what it means, and how people call that.
const APPLIED: [(u8, Meaning, &str); 3] = [
    (
        201,
        Meaning::Is(Verdict::Applied(Applied::Succeeded)),
        "succeeded",
    ),
    (
        202,
        Meaning::Is(Verdict::Applied(Applied::AwaitingVerification)),
        "awaiting verification",
    ),
    (203, Meaning::Failure, "error"),
];
const VERIFIED: [(u8, Meaning, &str); 7] = [
    (
        211,
        Meaning::Is(Verdict::Verified(Verified::Ready)),
        "ready",
    ),
    (
        212,
        Meaning::Is(Verdict::Verified(Verified::InProgress)),
        "in progress",
    ),
    (213, Meaning::Failure, "error"),
    (
        214,
        Meaning::Is(Verdict::Verified(Verified::Missing)),
        "missing",
    ),
    (
        215,
        Meaning::Is(Verdict::Verified(Verified::UpdateRequired)),
        "update required",
    ),
    (
        216,
        Meaning::Is(Verdict::Verified(Verified::RecreateRequired)),
        "recreate required",
    ),
    (
        217,
        Meaning::Is(Verdict::Verified(Verified::Deleting)),
        "deleting",
    ),
];
const DELETED: [(u8, Meaning, &str); 4] = [
    (221, Meaning::Is(Verdict::Deleted(Deleted::Done)), "done"),
    (
        222,
        Meaning::Is(Verdict::Deleted(Deleted::InProgress)),
        "in progress",
    ),
    (223, Meaning::Failure, "error"),
    (
        224,
        Meaning::Is(Verdict::Deleted(Deleted::Missing)),
        "missing",
    ),
];

/// The codes of an operation.
fn codes(operation: Operation) -> &'static [(u8, Meaning, &'static str)] {
    match operation {
        Operation::Create | Operation::Update => &APPLIED,
        Operation::Verify => &VERIFIED,
        Operation::Delete => &DELETED,
    }
}

/// Reads the end of a program as the outcome of an operation. Codes mean something for their own operations only:
/// a creation that exits with 221 has not said what came of it.
///
/// | operation | codes |
/// |---|---|
/// | create, update | 201 succeeded, 202 awaiting verification, 203 error |
/// | verify | 211 ready, 212 in progress, 213 error, 214 missing, 215 update required, 216 recreate required, 217 deleting |
/// | delete | 221 done, 222 in progress, 223 error, 224 missing |
///
/// # Errors
/// If the program says that the operation has failed, and if it says nothing: any other code, 0 among them, and signals.
///
/// # Examples
/// ```
/// use kopfrs::exec::code::{Exit, decode};
/// use kopfrs::lifecycle::{Applied, Operation, Verdict};
///
/// let verdict = decode("./manager", Operation::Create, Exit::Code(201)).unwrap();
/// assert_eq!(verdict, Verdict::Applied(Applied::Succeeded));
/// let error = decode("./manager", Operation::Create, Exit::Code(221)).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "./manager has exited with 221 (of delete: done), which says nothing of what came of create: \
///      it may exit with 201 (succeeded), 202 (awaiting verification) or 203 (error)",
/// );
/// ```
pub fn decode(program: &str, operation: Operation, exit: Exit) -> Result<Verdict, CodeError> {
    let known = codes(operation).iter();
    let found = known
        .copied()
        .find(|(code, _, _)| exit == Exit::Code(i32::from(*code)));
    match found {
        Some((_, Meaning::Is(verdict), _)) => Ok(verdict),
        Some((code, Meaning::Failure, _)) => Err(CodeError::Failed {
            program: program.to_owned(),
            operation,
            code,
        }),
        None => Err(CodeError::Unexpected {
            program: program.to_owned(),
            operation,
            exit,
        }),
    }
}

/// The code by which a program says this.
///
/// # Examples
/// ```
/// use kopfrs::exec::code::encode;
/// use kopfrs::lifecycle::Verified;
///
/// assert_eq!(encode(Verified::Missing.into()), 214);
/// ```
pub fn encode(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Applied(Applied::Succeeded) => 201,
        Verdict::Applied(Applied::AwaitingVerification) => 202,
        Verdict::Verified(Verified::Ready) => 211,
        Verdict::Verified(Verified::InProgress) => 212,
        Verdict::Verified(Verified::Missing) => 214,
        Verdict::Verified(Verified::UpdateRequired) => 215,
        Verdict::Verified(Verified::RecreateRequired) => 216,
        Verdict::Verified(Verified::Deleting) => 217,
        Verdict::Deleted(Deleted::Done) => 221,
        Verdict::Deleted(Deleted::InProgress) => 222,
        Verdict::Deleted(Deleted::Missing) => 224,
    }
}

impl Exit {
    /// Whether this says something about some operation, were it the right one or not.
    pub(super) fn is_told(self) -> bool {
        Operation::ALL.iter().any(|operation| {
            let mut known = codes(*operation).iter();
            known.any(|(code, _, _)| self == Self::Code(i32::from(*code)))
        })
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "has exited with {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
        }
    }
}

/// What the code would mean where it means something, or what else is known of it.
fn elsewhere(exit: Exit) -> String {
    let Exit::Code(number) = exit else {
        return String::new();
    };
    // An update has the codes of a creation.
    let others = [Operation::Create, Operation::Verify, Operation::Delete];
    let told = others.iter().find_map(|operation| {
        let mut known = codes(*operation).iter();
        let (_, _, name) = known.find(|(code, _, _)| i32::from(*code) == number)?;
        let operation = match operation {
            Operation::Create | Operation::Update => "create and update".to_owned(),
            other => other.to_string(),
        };
        Some(format!(" (of {operation}: {name})"))
    });
    match number {
        // As shells and containers tell it.
        129..=192 => format!(" (that is how signal {} is told)", number - 128),
        126 => " (that is how shells say that something cannot be executed)".to_owned(),
        127 => " (that is how shells say that something was not found)".to_owned(),
        _ => told.unwrap_or_default(),
    }
}

/// `201 (succeeded), 202 (awaiting verification) or 203 (error)`
fn allowed(operation: Operation) -> String {
    let known = codes(operation).iter();
    let mut names: Vec<String> = known
        .map(|(code, _, name)| format!("{code} ({name})"))
        .collect();
    let last = names.pop().unwrap_or_default();
    format!("{} or {last}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each operation may say, written down a second time.
    fn expected(operation: Operation, code: i32) -> Option<Verdict> {
        let is_applied = matches!(operation, Operation::Create | Operation::Update);
        Some(match (code, operation) {
            (201, _) if is_applied => Applied::Succeeded.into(),
            (202, _) if is_applied => Applied::AwaitingVerification.into(),
            (211, Operation::Verify) => Verified::Ready.into(),
            (212, Operation::Verify) => Verified::InProgress.into(),
            (214, Operation::Verify) => Verified::Missing.into(),
            (215, Operation::Verify) => Verified::UpdateRequired.into(),
            (216, Operation::Verify) => Verified::RecreateRequired.into(),
            (217, Operation::Verify) => Verified::Deleting.into(),
            (221, Operation::Delete) => Deleted::Done.into(),
            (222, Operation::Delete) => Deleted::InProgress.into(),
            (224, Operation::Delete) => Deleted::Missing.into(),
            _ => return None,
        })
    }

    fn failure(operation: Operation) -> i32 {
        match operation {
            Operation::Create | Operation::Update => 203,
            Operation::Verify => 213,
            Operation::Delete => 223,
        }
    }

    #[test]
    fn each_code_means_something_for_its_own_operations_only() {
        for operation in Operation::ALL {
            for code in 0..=255 {
                let decoded = decode("./m", operation, Exit::Code(code));
                match (expected(operation, code), decoded) {
                    (Some(verdict), Ok(decoded)) => {
                        assert_eq!(decoded, verdict);
                        assert_eq!(i32::from(encode(verdict)), code);
                    }
                    (None, Err(CodeError::Failed { .. })) => assert_eq!(code, failure(operation)),
                    (None, Err(error @ CodeError::Unexpected { .. })) => {
                        assert_ne!(code, failure(operation));
                        let text = error.to_string();
                        assert!(
                            text.starts_with(&format!("./m has exited with {code}")),
                            "{text}"
                        );
                        assert!(
                            text.contains(&format!("came of {operation}: it may")),
                            "{text}"
                        );
                        assert!(text.contains(&allowed(operation)), "{text}");
                    }
                    (wanted, got) => panic!("{operation} {code}: {wanted:?}, {got:?}"),
                }
            }
        }
    }

    #[test]
    fn the_end_is_told_as_people_know_it() {
        let text = |exit| {
            decode("m", Operation::Verify, exit)
                .unwrap_err()
                .to_string()
        };
        for (exit, part) in [
            (
                Exit::Signal(9),
                "m was killed by signal 9, which says nothing",
            ),
            (Exit::Code(137), "137 (that is how signal 9 is told)"),
            (
                Exit::Code(127),
                "127 (that is how shells say that something was not found)",
            ),
            (
                Exit::Code(0),
                "m has exited with 0, which says nothing of what came of verify",
            ),
            (Exit::Code(201), "201 (of create and update: succeeded)"),
            (Exit::Code(-1), "m has exited with -1, which"),
        ] {
            assert!(text(exit).contains(part), "{}", text(exit));
        }
        let failed = decode("m", Operation::Delete, Exit::Code(223)).unwrap_err();
        assert!(
            failed
                .to_string()
                .contains("exit code 223 that delete has failed")
        );
    }
}
