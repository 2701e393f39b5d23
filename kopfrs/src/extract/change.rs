//! `old` and `new`: what the object was, and what it is.
//!
//! Decided by the type alone: the attribute's type is the whole essence, that type's spec is the
//! spec, `&Value` is whatever there is. Trying to read one as the other would silently give
//! emptiness, as optional fields are everywhere.

use std::sync::Arc;

use kube::core::object::HasSpec;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::decode::{Absence, Place, decode, decode_or_absent};
use super::{ArgError, Argument, FromArg, names, via};
use crate::cause::{AdmissionCause, ChangingCause, ObjectCause};
use crate::handler::{Family, Invocation};

/// Stands for the kind of handlers whose selector is not a type.
#[derive(Debug)]
pub enum Untyped {}

/// Causes that know what the object was and what it is.
pub trait Transition: ObjectCause {
    /// The essence before, or the handler's field of it.
    fn before(&self) -> Option<&Value>;

    /// The essence now, or the handler's field of it.
    fn after(&self) -> Option<&Value>;
}

impl Transition for ChangingCause {
    fn before(&self) -> Option<&Value> {
        self.old.as_deref()
    }

    fn after(&self) -> Option<&Value> {
        self.new.as_deref()
    }
}

impl Transition for AdmissionCause {
    fn before(&self) -> Option<&Value> {
        self.old.as_deref()
    }

    fn after(&self) -> Option<&Value> {
        self.new.as_deref()
    }
}

const NO_OLD: &str = "there is no old state: the object is new to the operator, or only a digest of its old state is kept; write `Option<…>`";
const NO_NEW: &str = "there is no new state; write `Option<…>`";

/// The whole essence as the attribute's type, with the identity that essences leave out.
fn whole<K: DeserializeOwned, C: Transition>(
    cause: &C,
    essence: &Value,
    argument: &Argument,
) -> Result<K, ArgError> {
    let mut object = essence.clone();
    if let Value::Object(object) = &mut object {
        let body = cause.body().as_value();
        copy(&["apiVersion", "kind"], body, object);
        let metadata = object
            .entry("metadata")
            .or_insert_with(|| Map::new().into());
        if let Value::Object(metadata) = metadata {
            copy(&["name", "namespace", "uid"], cause.body().meta(), metadata);
        }
    }
    decode(&object, "", argument)
}

fn copy(keys: &[&str], from: &Value, to: &mut Map<String, Value>) {
    for key in keys {
        if let Some(value) = from.get(key) {
            to.entry(*key).or_insert_with(|| value.clone());
        }
    }
}

fn spec<S: DeserializeOwned>(essence: &Value, argument: &Argument) -> Result<S, ArgError> {
    let place = Place {
        path: "spec",
        absent: "the object has no spec",
    };
    decode_or_absent(essence.get("spec"), place, Absence::Missing, argument)
}

macro_rules! sides {
    ($($name:ident, $field:ident, $side:ident, $absent:ident;)*) => {$(
        impl<'a, C, K> FromArg<'a, C, names::$name<K>, via::Whole> for K
        where
            C: Family + Transition,
            K: DeserializeOwned,
        {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError> {
                let essence = invocation.cause.$side().ok_or_else(|| argument.error($absent))?;
                whole(&invocation.cause, essence, argument)
            }
        }

        impl<'a, C, K> FromArg<'a, C, names::$name<K>, via::Optional<via::Whole>> for Option<K>
        where
            C: Family + Transition,
            K: DeserializeOwned,
        {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError> {
                let essence = invocation.cause.$side();
                essence.map(|essence| whole(&invocation.cause, essence, argument)).transpose()
            }
        }

        impl<'a, C, K, S> FromArg<'a, C, names::$name<K>, via::Spec> for S
        where
            C: Family + Transition,
            K: HasSpec<Spec = S>,
            S: DeserializeOwned,
        {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError> {
                let essence = invocation.cause.$side().ok_or_else(|| argument.error($absent))?;
                spec(essence, argument)
            }
        }

        impl<'a, C, K, S> FromArg<'a, C, names::$name<K>, via::Optional<via::Spec>> for Option<S>
        where
            C: Family + Transition,
            K: HasSpec<Spec = S>,
            S: DeserializeOwned,
        {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError> {
                let essence = invocation.cause.$side();
                essence.map(|essence| spec(essence, argument)).transpose()
            }
        }

        impl<'a, C: Family + Transition, T: DeserializeOwned>
            FromArg<'a, C, names::$field, via::Decoding> for T
        {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError> {
                let place = Place { path: argument.name(), absent: "the field is not there; write `Option<…>`" };
                decode_or_absent(invocation.cause.$side(), place, Absence::Missing, argument)
            }
        }

        sides!(@json names::$name<K>, $side, $absent, K);
        sides!(@json names::$field, $side, $absent);
    )*};
    (@json $name:path, $side:ident, $absent:ident $(, $kind:ident)?) => {
        impl<'a, C: Family + Transition $(, $kind)?> FromArg<'a, C, $name, via::Name> for &'a Value {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError> {
                invocation.cause.$side().ok_or_else(|| argument.error($absent))
            }
        }

        impl<'a, C: Family + Transition $(, $kind)?> FromArg<'a, C, $name, via::Name>
            for Option<&'a Value>
        {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                _: &Argument,
            ) -> Result<Self, ArgError> {
                Ok(invocation.cause.$side())
            }
        }
        $(sides!(@owned $name, $side, $absent, $kind);)?
    };
    (@owned $name:path, $side:ident, $absent:ident, $kind:ident) => {
        impl<'a, C: Family + Transition, $kind> FromArg<'a, C, $name, via::Name> for Value {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                argument: &Argument,
            ) -> Result<Self, ArgError> {
                invocation.cause.$side().cloned().ok_or_else(|| argument.error($absent))
            }
        }

        impl<'a, C: Family + Transition, $kind> FromArg<'a, C, $name, via::Name> for Option<Value> {
            fn from_arg(
                invocation: &'a Arc<Invocation<C>>,
                _: &Argument,
            ) -> Result<Self, ArgError> {
                Ok(invocation.cause.$side().cloned())
            }
        }
    };
}

sides! {
    Old, OldField, before, NO_OLD;
    New, NewField, after, NO_NEW;
}
