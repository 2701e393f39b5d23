//! Sections of the object by their names: `body`, `spec`, `status`.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::decode::{Absence, Place, decode, decode_or_absent};
use super::{ArgError, Argument, FromArg, names, via};
use crate::cause::ObjectCause;
use crate::handler::{Family, Invocation};

/// What is there, nulls aside: the API does not tell null from absent in these places.
fn present(value: &Value) -> Option<&Value> {
    Some(value).filter(|value| !value.is_null())
}

impl<'a, C: Family + ObjectCause, K: DeserializeOwned> FromArg<'a, C, names::Body<K>, via::Whole>
    for K
{
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        decode(invocation.cause.body().as_value(), "", argument)
    }
}

impl<'a, C: Family + ObjectCause, K> FromArg<'a, C, names::Body<K>, via::Name> for &'a Value {
    fn from_arg(invocation: &'a Arc<Invocation<C>>, _: &Argument) -> Result<Self, ArgError> {
        Ok(invocation.cause.body().as_value())
    }
}

impl<'a, C, N, K> FromArg<'a, C, N, via::Object> for Arc<K>
where
    C: Family + ObjectCause,
    N: names::NamesObject,
    K: DeserializeOwned,
{
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        decode(invocation.cause.body().as_value(), "", argument).map(Arc::new)
    }
}

impl<'a, C: Family + ObjectCause, T: DeserializeOwned> FromArg<'a, C, names::Spec, via::Decoding>
    for T
{
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let place = Place {
            path: "spec",
            absent: "the object has no spec; write `Option<…>`",
        };
        let spec = present(invocation.cause.body().spec());
        decode_or_absent(spec, place, Absence::Missing, argument)
    }
}

impl<'a, C: Family + ObjectCause, T: DeserializeOwned> FromArg<'a, C, names::Status, via::Decoding>
    for T
{
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let place = Place {
            path: "status",
            absent: "the object has no status yet; write `Option<…>`",
        };
        let status = present(invocation.cause.body().status());
        decode_or_absent(status, place, Absence::Empty, argument)
    }
}

macro_rules! sections {
    ($($name:ident $section:ident),*) => {$(
        impl<'a, C: Family + ObjectCause> FromArg<'a, C, names::$name, via::Name> for &'a Value {
            fn from_arg(invocation: &'a Arc<Invocation<C>>, _: &Argument) -> Result<Self, ArgError> {
                Ok(invocation.cause.body().$section())
            }
        }

        impl<'a, C: Family + ObjectCause> FromArg<'a, C, names::$name, via::Name>
            for Option<&'a Value>
        {
            fn from_arg(invocation: &'a Arc<Invocation<C>>, _: &Argument) -> Result<Self, ArgError> {
                Ok(present(invocation.cause.body().$section()))
            }
        }
    )*};
}

sections!(Spec spec, Status status, Meta meta, Labels labels, Annotations annotations);
