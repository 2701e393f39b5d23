//! Activities: what happens to the operator, not to an object.

use std::fmt;

/// A step in the life of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activity {
    /// Before anything else.
    Startup,
    /// Credentials are needed.
    Login,
    /// Somebody asks for the operator's health.
    Probe,
    /// After everything else.
    Cleanup,
}

/// An activity is going on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActivityCause {
    /// Which one.
    pub activity: Activity,
}

impl ActivityCause {
    /// An activity is going on.
    pub fn new(activity: Activity) -> Self {
        Self { activity }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Startup => "startup",
            Self::Login => "login",
            Self::Probe => "probe",
            Self::Cleanup => "cleanup",
        })
    }
}
