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
    #[error("{0}")]
    Transport(#[source] Box<kube::Error>),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
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
    /// Worth another attempt.
    Transient,
}

impl ApiError {
    /// Sorts the failure.
    pub(crate) fn failure(&self) -> Failure {
        let Self::Status(status) = self else {
            return Failure::Transient;
        };
        match status.code {
            404 => Failure::Missing,
            409 => Failure::Conflict,
            410 => Failure::Expired,
            401 | 403 => Failure::Forbidden,
            400 | 405 | 406 | 413 | 415 | 422 => Failure::Rejected,
            _ => Failure::Transient,
        }
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Status(status),
            kube::Error::SerdeError(error) => Self::Garbage(error.to_string()),
            error => Self::Transport(Box::new(error)),
        }
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
