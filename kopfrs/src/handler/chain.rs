//! What an error means: looks through its chain of sources.
//!
//! Called when an error becomes a `HandlerError`, only then. Two kinds of links hide what is inside
//! of them: `io::Error::source()` skips the error it wraps, and a box made of an `anyhow::Error` or
//! an `eyre::Report` cannot be downcast to the error directly inside.

use std::any::Any;
use std::error::Error;
use std::io;
use std::sync::Arc;

use super::{AdmissionError, ErrorKind, ExecuteError, PermanentError, TemporaryError};

/// What is asked of an error.
type Ask<'a, T> = &'a dyn Fn(&(dyn Error + 'static)) -> Option<T>;

/// What an error itself says that it means.
pub(super) fn kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    if let Some(temporary) = error.downcast_ref::<TemporaryError>() {
        return Some(ErrorKind::Temporary(temporary.delay()));
    }
    if let Some(admission) = error.downcast_ref::<AdmissionError>() {
        return Some(ErrorKind::Admission(admission.status()));
    }
    if let Some(error) = error.downcast_ref::<ExecuteError>() {
        return Some(match error {
            ExecuteError::Unfinished { delay, .. } => ErrorKind::Unfinished(*delay),
            ExecuteError::Duplicate { .. } | ExecuteError::Mistake { .. } => ErrorKind::Permanent,
        });
    }
    error.is::<PermanentError>().then_some(ErrorKind::Permanent)
}

/// What the first error in the chain says that says anything.
pub(super) fn find<T>(error: &(dyn Error + 'static), ask: Ask<'_, T>) -> Option<T> {
    ask(error)
        .or_else(|| hidden(error).and_then(|inner| find(inner, ask)))
        .or_else(|| error.source().and_then(|source| find(source, ask)))
}

/// The same of what is directly inside of a report; `None` for anything that is no report.
pub(super) fn find_in_report<T>(error: &dyn Any, ask: Ask<'_, T>) -> Option<T> {
    #[cfg(feature = "anyhow")]
    if let Some(report) = error.downcast_ref::<anyhow::Error>() {
        return report.chain().find_map(|error| find(error, ask));
    }
    #[cfg(feature = "eyre")]
    if let Some(report) = error.downcast_ref::<eyre::Report>() {
        return report.chain().find_map(|error| find(error, ask));
    }
    let _ = (error, ask);
    None
}

/// An error and its sources in one line; what a link says already is not repeated.
pub(super) fn message(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        source = error.source();
    }
    text
}

/// The error that a link wraps without giving it as its source.
fn hidden<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return error.get_ref().map(|inner| inner as _);
    }
    if let Some(error) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return Some(&**error);
    }
    None
}
