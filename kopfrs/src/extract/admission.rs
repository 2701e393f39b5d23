//! What is known of reviews and conversions by name: `subresource`, `dryrun`, and the object to be converted.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::decode::decode;
use super::{ArgError, Argument, FromArg, names, via};
use crate::cause::{AdmissionCause, ConversionCause};
use crate::handler::Invocation;

/// `$name as $type => |cause| …`, one argument a row.
macro_rules! by_name {
    ($($name:path, $type:ty, $cause:ty => |$invocation:ident| $make:expr;)*) => {$(
        impl<'a> FromArg<'a, $cause, $name, via::Name> for $type {
            fn from_arg(
                $invocation: &'a Arc<Invocation<$cause>>,
                _: &Argument,
            ) -> Result<Self, ArgError> {
                Ok($make)
            }
        }
    )*};
}

by_name! {
    names::Dryrun, bool, AdmissionCause => |invocation| invocation.cause.dryrun;
    names::Subresource, Option<&'a str>, AdmissionCause => |invocation| invocation.cause.subresource.as_deref();
    names::Subresource, Option<String>, AdmissionCause => |invocation| {
        invocation.cause.subresource.as_deref().map(str::to_owned)
    };
    names::Original, &'a Value, ConversionCause => |invocation| &invocation.cause.object;
}

impl<'a, T: DeserializeOwned> FromArg<'a, ConversionCause, names::Original, via::Decoding> for T {
    fn from_arg(
        invocation: &'a Arc<Invocation<ConversionCause>>,
        argument: &Argument,
    ) -> Result<Self, ArgError> {
        decode(&invocation.cause.object, "", argument)
    }
}
