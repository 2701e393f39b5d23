//! The sub-handlers of the handler that is called.

use std::sync::Arc;

use super::{ArgError, Argument, Extract};
use crate::cause::ChangingCause;
use crate::handler::{Invocation, Subhandlers};

impl<'a> Extract<'a, ChangingCause> for &'a Subhandlers {
    fn extract(
        invocation: &'a Arc<Invocation<ChangingCause>>,
        argument: &Argument,
    ) -> Result<Self, ArgError> {
        invocation.subhandlers.as_ref().ok_or_else(|| {
            argument.error(
                "create, update, delete, resume and field handlers have sub-handlers, of objects without a verify handler; \
                 others do all of their work themselves",
            )
        })
    }
}

impl<'a> Extract<'a, ChangingCause> for Subhandlers {
    fn extract(
        invocation: &'a Arc<Invocation<ChangingCause>>,
        argument: &Argument,
    ) -> Result<Self, ArgError> {
        <&Subhandlers>::extract(invocation, argument).cloned()
    }
}
