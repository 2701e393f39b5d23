//! `Index<K, V>`: the index of the argument's name. `Indices`: all of them, for who has no names.

use std::sync::Arc;

use super::{ArgError, Argument, Extract, FromArg, names, via};
use crate::handler::{Family, Invocation};
use crate::index::{Index, IndexKey, IndexValue, Indices};

impl<'a, C, N, K, V> FromArg<'a, C, N, via::Index> for &'a Index<K, V>
where
    C: Family,
    N: names::Known,
    K: IndexKey,
    V: IndexValue,
{
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let index = invocation.environment.indices.index(argument.name());
        index.map_err(|error| argument.error(error))
    }
}

impl<'a, C, N, K, V> FromArg<'a, C, N, via::Index> for Index<K, V>
where
    C: Family,
    N: names::Known,
    K: IndexKey,
    V: IndexValue,
{
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let index = <&'a Self as FromArg<'a, C, N, via::Index>>::from_arg(invocation, argument)?;
        Ok(index.clone())
    }
}

impl<'a, C: Family> Extract<'a, C> for Indices {
    fn extract(invocation: &'a Arc<Invocation<C>>, _: &Argument) -> Result<Self, ArgError> {
        Ok(invocation.environment.indices.clone())
    }
}

impl<'a, C: Family> Extract<'a, C> for &'a Indices {
    fn extract(invocation: &'a Arc<Invocation<C>>, _: &Argument) -> Result<Self, ArgError> {
        Ok(&invocation.environment.indices)
    }
}
