//! `on::startup`, `on::cleanup`, `on::login`, `on::probe`.

use super::builder::{Builder, Kind, Retried};
use crate::api::Credentials;
use crate::cause::{Activity, ActivityCause};
use crate::handler::{Outcome, Output, Result, returns};

/// One kind a row: its type, its function, its activity, and what its handlers return.
macro_rules! activities {
    ($($(#[$doc:meta])* $kind:ident $function:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}

        impl Kind for $kind {
            type Cause = ActivityCause;
            type Returns = returns::$kind;
        }

        impl Retried for $kind {}

        $(#[$doc])*
        #[track_caller]
        pub fn $function() -> Builder<$kind> {
            Builder::begin(None, Activity::$kind)
        }
    )*};
}

activities! {
    /// Called before anything else; may return `State(value)`. If it fails for good, the operator
    /// does not start.
    Startup startup;
    /// Called after everything else.
    Cleanup cleanup;
    /// Called when credentials are needed; returns them, or `None` to leave it to others.
    Login login;
    /// Called when somebody asks for the operator's health; what it returns is told there.
    Probe probe;
}

impl Output<returns::Login> for Credentials {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(Outcome::product(self))
    }
}

impl Output<returns::Login> for kube::Config {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(Outcome::product(Credentials::new(self)))
    }
}
