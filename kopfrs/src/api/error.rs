//! How requests fail, by what can be done about it.

use std::time::Duration;

use kube::core::Status;

/// A request has failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The server has answered with an error.
    #[error("{}", said(.0))]
    Status(Box<Status>),
    /// No answer, or none that could be read.
    #[error("{request}: {}", with_reasons(&**.source))]
    Transport {
        /// Method and path.
        request: String,
        #[source]
        source: Box<kube::Error>,
    },
    /// No answer in time.
    #[error("{request}: no answer within {wait:?}")]
    Timeout {
        /// Method and path.
        request: String,
        wait: Duration,
    },
    /// The answer was not what such an answer looks like.
    #[error("unexpected answer: {0}")]
    Garbage(String),
}

/// What a failure is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The object is not there.
    Missing,
    /// The object has changed meanwhile.
    Conflict,
    /// The content of the request will never be accepted as it is.
    Rejected,
    /// We may not.
    Forbidden,
    /// The version asked for is too old.
    Expired,
    /// Worth another attempt. Credentials that are refused (401) are, too: others are being asked for.
    Transient,
}

impl ApiError {
    /// The status code of the server's answer, if there was one.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status.code),
            _ => None,
        }
    }

    /// Sorts the failure.
    pub(crate) fn failure(&self) -> Failure {
        let Self::Status(status) = self else {
            return Failure::Transient;
        };
        match status.code {
            404 => Failure::Missing,
            409 => Failure::Conflict,
            410 => Failure::Expired,
            403 => Failure::Forbidden,
            400 | 405 | 406 | 413 | 415 | 422 => Failure::Rejected,
            _ => Failure::Transient,
        }
    }

    /// The pause that the server asks for.
    pub(crate) fn suggested_pause(&self) -> Option<Duration> {
        let Self::Status(status) = self else {
            return None;
        };
        let seconds = status.details.as_ref()?.retry_after_seconds;
        (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
    }
}

fn said(status: &Status) -> String {
    let text = if status.message.is_empty() {
        &status.reason
    } else {
        &status.message
    };
    format!("{text} (status {})", status.code)
}

/// An error with its reasons, as far as they say something new: that a connection was refused is at
/// the very bottom.
pub(super) fn with_reasons(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        let said = reason.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = reason.source();
    }
    text
}
