//! A webhook that could not be asked, or whose answer is none.

use super::{
    denial,
    hook::{FailurePolicy, Hook},
};
use crate::error::ApiError;

/// Why there is no verdict.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

impl Failure {
    /// The call itself failed.
    pub(super) fn of_call(why: &str) -> Self {
        Self(format!("failed to call webhook: {why}"))
    }

    /// What the policy of the webhook makes of it.
    pub(super) fn under(self, hook: &Hook) -> Result<(), ApiError> {
        let why = format!("failed calling webhook {:?}: {}", hook.name, self.0);
        match hook.failure_policy {
            FailurePolicy::Fail => Err(denial::internal(&why)),
            FailurePolicy::Ignore => {
                tracing::warn!("{why}; its failure policy says to go on");
                Ok(())
            }
        }
    }
}
