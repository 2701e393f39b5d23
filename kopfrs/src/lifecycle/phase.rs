//! How far a lifecycle has come.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How far the thing has come that an object stands for: `status.phase`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum Phase {
    /// Nothing has been done yet: it was not looked at, or something else is waited for.
    #[default]
    Pending,
    /// It is being created.
    Creating,
    /// It is being updated.
    Updating,
    /// It is being deleted, to be created anew.
    Recreating,
    /// It is on its way: it is looked at from time to time.
    Verifying,
    /// It is there, and the complete handler is at work.
    Completing,
    /// It is there, as the object asks for.
    Succeeded,
    /// Something has failed: `status.message` tells what.
    Failed,
    /// It is being deleted with its object.
    Terminating,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Creating,
        Self::Updating,
        Self::Recreating,
        Self::Verifying,
        Self::Completing,
        Self::Succeeded,
        Self::Failed,
        Self::Terminating,
    ];

    /// Its name, as it is written in the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::Recreating => "Recreating",
            Self::Verifying => "Verifying",
            Self::Completing => "Completing",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text names no phase.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no phase of a lifecycle")]
pub struct UnknownPhase(String);

impl FromStr for Phase {
    type Err = UnknownPhase;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|phase| phase.name() == text);
        named.ok_or_else(|| UnknownPhase(text.to_owned()))
    }
}
