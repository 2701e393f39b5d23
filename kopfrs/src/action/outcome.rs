//! What an attempt's outcome means for the handler: done, failed for good, or to be tried again.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::clock::{after, elapsed};
use crate::extract::ArgError;
use crate::handler::{ErrorKind, ErrorsMode, HandlerError, Options};
use crate::storage::Record;

/// What limits the attempts of a handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) options: Options,
    pub(crate) default_mode: ErrorsMode,
    pub(crate) default_backoff: Duration,
}

/// Why a handler must not be called at all any more: its limits were passed while nobody looked (the
/// operator was down, say).
pub(crate) fn exhausted(limits: &Limits, record: &Record, now: Timestamp) -> Option<String> {
    let runtime = elapsed(record.started, now);
    if limits
        .options
        .timeout
        .is_some_and(|timeout| record.retries > 0 && runtime >= timeout)
    {
        return Some(format!("timed out after {runtime:.1?}"));
    }
    if limits
        .options
        .retries
        .is_some_and(|retries| own_attempts(record) >= retries)
    {
        return Some(format!("gave up after {} attempts", own_attempts(record)));
    }
    None
}

/// The attempts that count: it is no failure of a handler's that its sub-handlers have to wait.
fn own_attempts(record: &Record) -> u32 {
    record.retries.saturating_sub(record.rounds)
}

/// The record after an attempt.
pub(crate) fn conclude(
    limits: &Limits,
    record: &Record,
    outcome: Result<Option<&Value>, &HandlerError>,
    now: Timestamp,
) -> Record {
    let is_round = outcome.is_err_and(|error| matches!(error.kind(), ErrorKind::Unfinished(_)));
    let base = Record {
        retries: record.retries + 1,
        rounds: record.rounds + u32::from(is_round),
        delayed: None,
        message: None,
        is_wait: false,
        ..record.clone()
    };
    let Err(error) = outcome else {
        return Record {
            success: true,
            stopped: Some(now),
            ..base
        };
    };
    let mode = limits.options.errors.unwrap_or(limits.default_mode);
    let backoff = limits.options.backoff.unwrap_or(limits.default_backoff);
    let message = Some(error.message().to_owned());
    let failed = Record {
        failure: true,
        stopped: Some(now),
        message: message.clone(),
        ..base.clone()
    };
    let delay = match (error.kind(), mode) {
        (ErrorKind::Temporary(delay) | ErrorKind::Unfinished(delay), _) => delay,
        (ErrorKind::Arbitrary | ErrorKind::Panic, ErrorsMode::Temporary) => backoff,
        (ErrorKind::Arbitrary | ErrorKind::Panic, ErrorsMode::Ignored) => {
            return Record {
                success: true,
                stopped: Some(now),
                message,
                ..base
            };
        }
        (ErrorKind::Argument, _) if is_of_the_past(error) => return failed,
        (ErrorKind::Argument, _) => {
            return Record {
                is_misfit: true,
                ..failed
            };
        }
        (ErrorKind::Permanent | ErrorKind::Admission(_), _)
        | (ErrorKind::Arbitrary | ErrorKind::Panic, ErrorsMode::Permanent) => return failed,
    };
    // A wait that no attempt could follow is useless.
    let runtime = elapsed(record.started, now).saturating_add(delay);
    let is_last = limits
        .options
        .timeout
        .is_some_and(|timeout| runtime >= timeout)
        || limits
            .options
            .retries
            .is_some_and(|limit| !is_round && own_attempts(&base) >= limit);
    if is_last {
        failed
    } else {
        Record {
            delayed: Some(after(now, delay)),
            message: message.filter(|_| !is_round),
            is_wait: is_round || matches!(error.kind(), ErrorKind::Temporary(_)),
            ..base
        }
    }
}

/// Whether it is the state that was handled last which does not fit: no change of the object can
/// mend that, so it must not keep the present state from being handled.
fn is_of_the_past(error: &HandlerError) -> bool {
    let argument = error
        .source()
        .and_then(|source| source.downcast_ref::<ArgError>());
    argument.is_some_and(|argument| argument.argument().trim_start_matches('_') == "old")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Reason;

    #[derive(Debug, PartialEq)]
    enum Expected {
        Success,
        Failure,
        Again(u64),
    }
    use Expected::{Again, Failure, Success};

    fn check(
        options: Options,
        retries: u32,
        age: u64,
        error: Option<ErrorKind>,
        expected: &Expected,
    ) {
        let started: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
        let now = after(started, Duration::from_secs(age));
        let limits = Limits {
            options,
            default_mode: ErrorsMode::Temporary,
            default_backoff: Duration::from_secs(60),
        };
        let record = Record {
            retries,
            ..Record::new(Reason::Create, started)
        };
        let error = error.map(|kind| HandlerError::new(kind, "x"));
        let record = conclude(&limits, &record, error.as_ref().map_or(Ok(None), Err), now);
        assert_eq!(record.retries, retries + 1);
        let actual = match (record.success, record.failure, record.delayed) {
            (true, false, None) => Success,
            (false, true, None) => Failure,
            (false, false, Some(due)) => Again(elapsed(now, due).as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(actual, *expected, "{options:?} {retries} {age} {error:?}");
    }

    #[test]
    fn outcomes_are_concluded_by_mode_and_limits() {
        let none = Options::default();
        let mode = |mode| Options {
            errors: Some(mode),
            ..none
        };
        let temporary = Some(ErrorKind::Temporary(Duration::from_secs(2)));
        let arbitrary = Some(ErrorKind::Arbitrary);
        check(none, 0, 0, None, &Success);
        check(none, 0, 0, temporary, &Again(2));
        check(none, 0, 0, arbitrary, &Again(60));
        check(none, 0, 0, Some(ErrorKind::Panic), &Again(60));
        check(none, 0, 0, Some(ErrorKind::Permanent), &Failure);
        check(none, 0, 0, Some(ErrorKind::Argument), &Failure);
        check(
            Options {
                backoff: Some(Duration::from_secs(5)),
                ..none
            },
            0,
            0,
            arbitrary,
            &Again(5),
        );
        check(mode(ErrorsMode::Permanent), 0, 0, arbitrary, &Failure);
        check(mode(ErrorsMode::Permanent), 0, 0, temporary, &Again(2));
        check(mode(ErrorsMode::Ignored), 0, 0, arbitrary, &Success);
        check(mode(ErrorsMode::Ignored), 0, 0, temporary, &Again(2));
        check(
            mode(ErrorsMode::Ignored),
            0,
            0,
            Some(ErrorKind::Permanent),
            &Failure,
        );
        let two = Options {
            retries: Some(2),
            ..none
        };
        check(two, 0, 0, temporary, &Again(2));
        check(two, 1, 0, temporary, &Failure);
        check(two, 1, 0, None, &Success);
        let timeout = Options {
            timeout: Some(Duration::from_secs(3)),
            ..none
        };
        check(timeout, 0, 0, temporary, &Again(2));
        check(timeout, 1, 2, temporary, &Failure);
        check(timeout, 1, 100, None, &Success);
    }

    #[test]
    fn limits_passed_while_nobody_looked_end_the_handler() {
        let started: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
        let limits = |options| Limits {
            options,
            default_mode: ErrorsMode::Temporary,
            default_backoff: Duration::ZERO,
        };
        let record = |retries| Record {
            retries,
            ..Record::new(Reason::Create, started)
        };
        let late = after(started, Duration::from_secs(10));
        let timeout = limits(Options {
            timeout: Some(Duration::from_secs(3)),
            ..Options::default()
        });
        assert!(exhausted(&timeout, &record(1), late).is_some());
        assert!(exhausted(&timeout, &record(1), started).is_none());
        let two = limits(Options {
            retries: Some(2),
            ..Options::default()
        });
        assert!(exhausted(&two, &record(2), started).is_some());
        assert!(exhausted(&two, &record(1), late).is_none());
    }
}
