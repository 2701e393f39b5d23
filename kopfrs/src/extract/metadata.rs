//! Metadata of the object by name: `meta`, `name`, `namespace`, `uid`, `labels`, `annotations`; and
//! of the call: `retry`, `started`, `runtime`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::core::NamespaceResourceScope;
use serde_json::Value;

use super::decode::decode;
use super::{ArgError, Argument, Attempted, FromArg, names, via};
use crate::cause::ObjectCause;
use crate::handler::{Family, Invocation};

/// `$name as $type => |invocation, argument| …`, one argument a row.
macro_rules! by_name {
    ($($(<$kind:ident $(: $bound:path)?>)? $name:path, $type:ty, $family:path =>
        |$invocation:ident, $argument:ident| $make:expr;)*) => {$(
        impl<'a, C: Family + $family $(, $kind $(: $bound)?)?> FromArg<'a, C, $name, via::Name>
            for $type
        {
            fn from_arg(
                $invocation: &'a Arc<Invocation<C>>,
                $argument: &Argument,
            ) -> Result<Self, ArgError> {
                $make
            }
        }
    )*};
}

by_name! {
    names::Name, &'a str, ObjectCause => |invocation, _argument| Ok(invocation.cause.body().name());
    names::Name, String, ObjectCause => |invocation, _argument| {
        Ok(invocation.cause.body().name().to_owned())
    };
    names::Uid, &'a str, ObjectCause => |invocation, _argument| Ok(invocation.cause.body().uid());
    names::Uid, String, ObjectCause => |invocation, _argument| {
        Ok(invocation.cause.body().uid().to_owned())
    };
    <K> names::Namespace<K>, Option<&'a str>, ObjectCause => |invocation, _argument| {
        Ok(invocation.cause.body().namespace())
    };
    <K> names::Namespace<K>, Option<String>, ObjectCause => |invocation, _argument| {
        Ok(invocation.cause.body().namespace().map(str::to_owned))
    };
    <K: Namespaced> names::Namespace<K>, &'a str, ObjectCause => |invocation, argument| {
        namespace(invocation, argument)
    };
    <K: Namespaced> names::Namespace<K>, String, ObjectCause => |invocation, argument| {
        namespace(invocation, argument).map(str::to_owned)
    };
    names::Meta, ObjectMeta, ObjectCause => |invocation, argument| {
        decode(invocation.cause.body().meta(), "metadata", argument)
    };
    names::Labels, BTreeMap<String, String>, ObjectCause => |invocation, argument| {
        texts(invocation.cause.body().labels(), "metadata.labels", argument)
    };
    names::Annotations, BTreeMap<String, String>, ObjectCause => |invocation, argument| {
        texts(invocation.cause.body().annotations(), "metadata.annotations", argument)
    };
    names::Retry, u32, Attempted => |invocation, _argument| Ok(invocation.attempt.retry);
    names::Started, Timestamp, Attempted => |invocation, _argument| Ok(invocation.attempt.started);
    names::Runtime, Duration, Attempted => |invocation, _argument| Ok(invocation.attempt.runtime);
}

/// Kinds whose objects live in namespaces, all of them.
#[diagnostic::on_unimplemented(
    message = "objects of `{Self}` do not live in namespaces",
    note = "write `namespace: Option<&str>`"
)]
pub trait Namespaced {}

#[diagnostic::do_not_recommend]
impl<K: kube::Resource<Scope = NamespaceResourceScope>> Namespaced for K {}

fn namespace<'a, C: Family + ObjectCause>(
    invocation: &'a Invocation<C>,
    argument: &Argument,
) -> Result<&'a str, ArgError> {
    let namespace = invocation.cause.body().namespace();
    namespace.ok_or_else(|| argument.error("the object has no namespace; write `Option<…>`"))
}

fn texts(
    value: &Value,
    path: &str,
    argument: &Argument,
) -> Result<BTreeMap<String, String>, ArgError> {
    if value.is_null() {
        return Ok(BTreeMap::new());
    }
    decode(value, path, argument)
}
