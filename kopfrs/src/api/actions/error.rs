//! How actions fail, by what can be done about it.

use kube::core::{GroupVersionKind, Status};

use crate::api::RequestOutcome;
use crate::hierarchies::HierarchyError;

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// The object lacks what the request needs. No request was made.
    #[error("{object} has no {field}: set it before {verb}")]
    Missing {
        /// What is to be done.
        verb: &'static str,
        /// Which object, as far as it says.
        object: String,
        /// The field that is missing.
        field: &'static str,
    },
    /// The server does not have the kind that a dynamic object tells, or that was asked for.
    #[error(
        "there is no kind {kind} in {api_version} on this cluster: is its definition installed, and is that version served?"
    )]
    UnknownKind {
        /// The group and version.
        api_version: String,
        /// The kind.
        kind: String,
    },
    /// A function that was to change an object has changed which object it is.
    #[error("{object}: {field} may not be changed here: it says which object is meant")]
    Renamed {
        /// Which object.
        object: String,
        /// The field that was changed.
        field: &'static str,
    },
    /// There is an object of that name already.
    #[error("{object} exists already")]
    AlreadyExists {
        /// Which object.
        object: String,
        /// The server's answer.
        status: Box<Status>,
    },
    /// The object has changed meanwhile.
    #[error("{object} has changed meanwhile: {}", status.message)]
    Conflict {
        /// Which object.
        object: String,
        /// The server's answer.
        status: Box<Status>,
    },
    /// There is no such object, or no such kind.
    #[error("{object} is not there: {}", status.message)]
    NotFound {
        /// Which object.
        object: String,
        /// The server's answer.
        status: Box<Status>,
    },
    /// The server does not remember that version any more: begin anew.
    #[error("{object}: too old: {}", status.message)]
    Expired {
        /// Which objects.
        object: String,
        /// The server's answer.
        status: Box<Status>,
    },
    /// The server has refused the content.
    #[error("{object} is refused: {}", status.message)]
    Invalid {
        /// Which object.
        object: String,
        /// The server's answer.
        status: Box<Status>,
    },
    /// We may not.
    #[error("{object}: not allowed: {}{}", status.message, allowance(&status.message))]
    Forbidden {
        /// Which object.
        object: String,
        /// The server's answer.
        status: Box<Status>,
    },
    /// There is no object being handled that could be the owner.
    #[error(
        "there is no object being handled to adopt for: adopt in a handler of an object, or use Actions::with_owner"
    )]
    NoOwner,
    /// The object cannot be a child of the one that is being handled.
    #[error("{object} cannot be adopted by {owner}: {reason}")]
    Adoption {
        /// The object that was to be adopted.
        object: String,
        /// The object that is being handled.
        owner: String,
        /// What is in the way.
        reason: &'static str,
    },
    /// The owner or the object does not say what it is.
    #[error(transparent)]
    Hierarchy(HierarchyError),
    /// Anything else: no connection, an answer that cannot be read.
    #[error("{object}: the request failed")]
    Other {
        /// Which object.
        object: String,
        /// What has happened.
        #[source]
        source: Box<kube::Error>,
    },
}

impl ActionError {
    pub(super) fn unknown(kind: &GroupVersionKind) -> Self {
        Self::UnknownKind {
            api_version: kind.api_version(),
            kind: kind.kind.clone(),
        }
    }

    /// The server's answer, if there was one.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::AlreadyExists { status, .. }
            | Self::Conflict { status, .. }
            | Self::NotFound { status, .. }
            | Self::Expired { status, .. }
            | Self::Invalid { status, .. }
            | Self::Forbidden { status, .. } => Some(status),
            Self::Other { source, .. } => match &**source {
                kube::Error::Api(status) => Some(status),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What to make of failures that are none.
pub trait ActionResultExt<T> {
    /// Takes an object that is not there for done: `None`. So it is where its kind is not there.
    ///
    /// # Errors
    /// Any other failure.
    fn ignore_not_found(self) -> Result<Option<T>, ActionError>;

    /// Takes an object that is there already for done: `None`.
    ///
    /// # Errors
    /// Any other failure.
    fn ignore_already_exists(self) -> Result<Option<T>, ActionError>;
}

impl<T> ActionResultExt<T> for Result<T, ActionError> {
    fn ignore_not_found(self) -> Result<Option<T>, ActionError> {
        match self {
            Err(ActionError::NotFound { .. } | ActionError::UnknownKind { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    fn ignore_already_exists(self) -> Result<Option<T>, ActionError> {
        match self {
            Err(ActionError::AlreadyExists { .. }) => Ok(None),
            other => other.map(Some),
        }
    }
}

/// What to add to a role, by what the server says: `cannot create resource "pods" in API group ""`.
fn allowance(message: &str) -> String {
    let told = || {
        let (_, rest) = message.split_once(" cannot ")?;
        let (verb, rest) = rest.split_once(" resource \"")?;
        let (resource, rest) = rest.split_once("\" in API group \"")?;
        let (group, _) = rest.split_once('"')?;
        Some((group, resource, verb))
    };
    told().map_or_else(String::new, |(group, resource, verb)| {
        format!(
            r#"; what allows it is {{apiGroups: ["{group}"], resources: ["{resource}"], verbs: ["{verb}"]}}"#
        )
    })
}

/// What came of a request, for those who count.
pub(super) fn outcome(error: Option<&kube::Error>) -> RequestOutcome {
    match error {
        None => RequestOutcome::Ok,
        Some(kube::Error::Api(status)) => RequestOutcome::Refused(status.code),
        Some(_) => RequestOutcome::Failed,
    }
}

/// Sorts a failure by what can be done about it.
pub(super) fn sorted(error: kube::Error, what: &str) -> ActionError {
    let object = what.to_owned();
    match error {
        kube::Error::Api(status) => match (status.code, &*status.reason) {
            (409, "AlreadyExists") => ActionError::AlreadyExists { object, status },
            (409, _) => ActionError::Conflict { object, status },
            (404, _) => ActionError::NotFound { object, status },
            (410, _) => ActionError::Expired { object, status },
            (401 | 403, _) => ActionError::Forbidden { object, status },
            (400 | 422, _) => ActionError::Invalid { object, status },
            _ => ActionError::Other {
                object,
                source: Box::new(kube::Error::Api(status)),
            },
        },
        error => ActionError::Other {
            object,
            source: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forbidden_comes_with_the_rule_that_allows_it() {
        let message = r#"pods is forbidden: User "u" cannot create resource "pods" in API group "" in the namespace "n""#;
        let status = Status {
            code: 403,
            message: message.to_owned(),
            ..Status::default()
        };
        let error = sorted(kube::Error::Api(Box::new(status)), "Pod n/a");
        let rule =
            r#"; what allows it is {apiGroups: [""], resources: ["pods"], verbs: ["create"]}"#;
        assert_eq!(
            error.to_string(),
            format!("Pod n/a: not allowed: {message}{rule}")
        );
        assert_eq!(allowance("no"), "");
    }
}
