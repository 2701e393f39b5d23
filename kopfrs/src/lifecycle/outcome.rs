//! What the operations of a lifecycle lead to.

use serde_json::Value;

/// What is done to the thing that an object stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Make it.
    Create,
    /// Make it what the object asks for.
    Update,
    /// Look whether it is there, and what the object asks for.
    Verify,
    /// Remove it.
    Delete,
}

/// What a create or update handler has led to.
///
/// Handlers that return nothing have succeeded.
///
/// # Examples
/// ```
/// use kopfrs::lifecycle::Applied;
/// use serde_json::json;
///
/// let report = Applied::AwaitingVerification.with_payload(json!({"job": 17}));
/// assert_eq!(report.payload, Some(json!({"job": 17})));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Applied {
    /// It is as the object asks for.
    Succeeded,
    /// It is on its way: verification tells when it has arrived.
    AwaitingVerification,
}

/// What a verify handler has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verified {
    /// It is there, as the object asks for, and can be used.
    Ready,
    /// It is on its way.
    InProgress,
    /// There is none: it is to be created.
    Missing,
    /// It is not as the object asks for: it is to be updated.
    UpdateRequired,
    /// It is not as the object asks for, and cannot be changed: it is to be deleted and created.
    RecreateRequired,
    /// It is being deleted.
    Deleting,
}

/// What a delete handler has led to.
///
/// Handlers that return nothing have deleted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// It is going: verification tells when it is gone.
    InProgress,
    /// There was none.
    Missing,
}

/// The outcome of any operation. That an operation has failed is an error, and not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Of a creation or an update.
    Applied(Applied),
    /// Of a verification.
    Verified(Verified),
    /// Of a deletion.
    Deleted(Deleted),
}

/// An outcome, with what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<O = Verdict> {
    /// The outcome.
    pub outcome: O,
    /// Kept on the object as `status.payload`, where the next operation finds it. `None` leaves what is there.
    pub payload: Option<Value>,
    /// Shown as `status.message`.
    pub message: Option<String>,
}

impl<O> Report<O> {
    /// An outcome about which there is nothing to say.
    pub fn new(outcome: O) -> Self {
        Self {
            outcome,
            payload: None,
            message: None,
        }
    }

    /// Adds what is to be kept.
    pub fn with_payload(mut self, payload: impl Into<Value>) -> Self {
        self.payload = Some(payload.into());
        self
    }

    /// Adds what is to be shown.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The same with its outcome as one of any operation.
    pub fn erase(self) -> Report
    where
        O: Into<Verdict>,
    {
        Report {
            outcome: self.outcome.into(),
            payload: self.payload,
            message: self.message,
        }
    }
}

/// One type of outcomes a row.
macro_rules! outcomes {
    ($($type:ident),*) => {$(
        impl $type {
            /// The outcome, with something to be kept on the object for the next operation.
            pub fn with_payload(self, payload: impl Into<Value>) -> Report<Self> {
                Report::new(self).with_payload(payload)
            }

            /// The outcome, with something to be shown on the object.
            pub fn with_message(self, message: impl Into<String>) -> Report<Self> {
                Report::new(self).with_message(message)
            }
        }

        impl From<$type> for Report<$type> {
            fn from(outcome: $type) -> Self {
                Self::new(outcome)
            }
        }

        impl From<$type> for Verdict {
            fn from(outcome: $type) -> Self {
                Self::$type(outcome)
            }
        }
    )*};
}

outcomes!(Applied, Verified, Deleted);

impl Verdict {
    /// Whether only a later look can tell when it is there, or gone.
    pub(crate) fn is_on_its_way(self) -> bool {
        matches!(
            self,
            Self::Applied(Applied::AwaitingVerification) | Self::Deleted(Deleted::InProgress)
        )
    }
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Verify, Self::Delete];

    /// Its name: that of the attribute, and of the argument of programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Verify => "verify",
            Self::Delete => "delete",
        }
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
