//! Errors of the user's own in the status of the object.

use std::error::Error;

use serde_json::{Value, json};

/// An error that is told in the status of the object: `status.error = {"type": …, "message": …}`.
///
/// Made by `#[derive(StatusError)]`. The error is recognised anywhere in the chain of what a reconcile
/// handler fails with, inside of `anyhow::Error` and `eyre::Report`, too. When the handler succeeds, or fails with
/// something else, the field is set to null.
pub trait StatusError: Error + 'static {
    /// The field of the status.
    const FIELD: &'static str;

    /// All types that the field may tell.
    const TYPES: &'static [&'static str];

    /// Which of them this is.
    fn error_type(&self) -> &'static str;
}

/// A type of errors that is told in statuses.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct StatusErrorType {
    field: &'static str,
    types: &'static [&'static str],
    read: fn(&(dyn Error + 'static)) -> Option<&'static str>,
}

inventory::collect!(StatusErrorType);

/// A field of the status, and what is to be told there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypedError {
    pub(crate) field: &'static str,
    pub(crate) error_type: &'static str,
    pub(crate) message: String,
}

impl StatusErrorType {
    /// Makes a type of errors known.
    pub const fn of<E: StatusError>() -> Self {
        Self {
            field: E::FIELD,
            types: E::TYPES,
            read: |error| error.downcast_ref::<E>().map(E::error_type),
        }
    }
}

impl TypedError {
    /// What an error is to be told as, if it is of a type that is to be told.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        inventory::iter::<StatusErrorType>().find_map(|known| {
            let error_type = (known.read)(error)?;
            Some(Self {
                field: known.field,
                error_type,
                message: error.to_string(),
            })
        })
    }

    /// What stands in the field.
    pub(crate) fn to_value(&self) -> Value {
        json!({"type": self.error_type, "message": self.message})
    }

    /// The fields in which errors may be told.
    pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
        inventory::iter::<StatusErrorType>().map(|known| known.field)
    }
}

/// Whether a value in a field was written by us, and is not what somebody else keeps there.
pub(crate) fn is_typed(field: &str, value: &Value) -> bool {
    let is_of = |known: &StatusErrorType| {
        let error_type = value["type"].as_str();
        known.field == field && error_type.is_some_and(|told| known.types.contains(&told))
    };
    value["message"].is_string() && inventory::iter::<StatusErrorType>().any(is_of)
}
