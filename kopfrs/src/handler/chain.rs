//! What an error means: looks through its chain of sources.
//!
//! Called when an error becomes a `HandlerError`, only then. Two kinds of links hide what is inside
//! of them: `io::Error::source()` skips the error it wraps, and a box made of an `anyhow::Error` or
//! an `eyre::Report` cannot be downcast to the error directly inside.

use std::any::Any;
use std::error::Error;
use std::io;
use std::sync::Arc;

use super::{ErrorKind, PermanentError, TemporaryError};

/// What the first error in the chain that says so means.
pub(super) fn kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    if let Some(temporary) = error.downcast_ref::<TemporaryError>() {
        return Some(ErrorKind::Temporary(temporary.delay()));
    }
    if error.is::<PermanentError>() {
        return Some(ErrorKind::Permanent);
    }
    hidden(error)
        .and_then(kind)
        .or_else(|| error.source().and_then(kind))
}

/// What is directly inside of a report; `None` for anything that is no report.
pub(super) fn kind_of_report(error: &dyn Any) -> Option<ErrorKind> {
    #[cfg(feature = "anyhow")]
    if let Some(report) = error.downcast_ref::<anyhow::Error>() {
        return report.chain().find_map(kind);
    }
    #[cfg(feature = "eyre")]
    if let Some(report) = error.downcast_ref::<eyre::Report>() {
        return report.chain().find_map(kind);
    }
    let _ = error;
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
