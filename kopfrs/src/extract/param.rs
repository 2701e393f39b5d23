//! `param`: the value that the handler was declared with.

use std::any::type_name;
use std::sync::Arc;

use super::{ArgError, Argument, FromArg, names, via};
use crate::handler::{Family, Invocation};

impl<'a, C: Family, T: Clone + Send + Sync + 'static> FromArg<'a, C, names::Param, via::Name>
    for T
{
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        param::<C, T>(invocation, argument).cloned()
    }
}

impl<'a, C: Family, T: Send + Sync + 'static> FromArg<'a, C, names::ParamRef, via::Name> for &'a T {
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        param(invocation, argument)
    }
}

impl<'a, C: Family> FromArg<'a, C, names::ParamStr, via::Name> for &'a str {
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let owned = invocation
            .param
            .as_ref()
            .and_then(|param| param.downcast_ref::<String>());
        match owned {
            Some(text) => Ok(text),
            None => param::<C, &'static str>(invocation, argument).copied(),
        }
    }
}

fn param<'a, C: Family, T: 'static>(
    invocation: &'a Invocation<C>,
    argument: &Argument,
) -> Result<&'a T, ArgError> {
    let Some(param) = &invocation.param else {
        return Err(argument.error("the handler was declared without `param`"));
    };
    let name = type_name::<T>();
    param
        .downcast_ref()
        .ok_or_else(|| argument.error(format_args!("`param` is of another type than `{name}`")))
}
