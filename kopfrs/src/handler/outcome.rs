//! What handlers return, and what becomes of it.
//!
//! Functions under an attribute may return any serialisable value: the attribute tells a `Result`
//! from a value by itself. Functions given to `run` are seen through traits only, and there
//! [`Output`] lists what can be returned.

use std::any::Any;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ErrorKind, HandlerError, IntoHandlerError};
use crate::index::IndexShape;
use crate::lifecycle::{self, Report, Verdict};
use crate::reconcile::Action;

/// What a handler returned.
#[derive(Default)]
pub struct Outcome {
    /// To be put into `status.<handler id>`.
    pub result: Option<Value>,
    /// What an operation of a lifecycle has led to.
    pub verdict: Option<Report>,
    /// When a reconcile handler wants to be called again.
    pub action: Option<Action>,
    /// What activities give to the operator: credentials, shared states.
    pub product: Option<Box<dyn Any + Send>>,
}

impl Outcome {
    /// Nothing was returned.
    pub fn none() -> Self {
        Self::default()
    }

    /// A value for the status; null is nothing.
    pub fn result(value: Value) -> Self {
        Self {
            result: Some(value).filter(|value| !value.is_null()),
            ..Self::default()
        }
    }

    /// What an operation of a lifecycle has led to.
    pub fn verdict(report: Report) -> Self {
        Self {
            verdict: Some(report),
            ..Self::default()
        }
    }

    /// When a reconcile handler wants to be called again.
    pub fn action(action: Action) -> Self {
        Self {
            action: Some(action),
            ..Self::default()
        }
    }

    /// Something for the operator.
    pub fn product(product: impl Any + Send) -> Self {
        Self {
            product: Some(Box::new(product)),
            ..Self::default()
        }
    }

    /// A value for the status, made of something serialisable.
    fn of(value: impl Serialize) -> Result<Self, HandlerError> {
        serde_json::to_value(value)
            .map(Self::result)
            .map_err(|error| {
                HandlerError::new(
                    ErrorKind::Permanent,
                    format!("what the handler returned cannot be written as JSON: {error}"),
                )
            })
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("result", &self.result)
            .field("verdict", &self.verdict)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// What is done with the values that handlers of a kind return.
pub mod returns {
    /// Put into the status of the object.
    #[derive(Clone, Copy, Debug)]
    pub struct Stored;
    /// The same; or what has been created or updated.
    #[derive(Clone, Copy, Debug)]
    pub struct Applied;
    /// The same; or what has been deleted.
    #[derive(Clone, Copy, Debug)]
    pub struct Deleted;
    /// What was found.
    #[derive(Clone, Copy, Debug)]
    pub struct Verified;
    /// When to look again.
    #[derive(Clone, Copy, Debug)]
    pub struct Reconciled;
    /// Shared with all handlers.
    #[derive(Clone, Copy, Debug)]
    pub struct Startup;
    /// Nothing can be done with them any more.
    #[derive(Clone, Copy, Debug)]
    pub struct Cleanup;
    /// Used to talk to the API.
    #[derive(Clone, Copy, Debug)]
    pub struct Login;
    /// Kept in an index.
    #[derive(Clone, Copy, Debug)]
    pub struct Indexed;
    /// Nothing: what matters is whether there is an error.
    #[derive(Clone, Copy, Debug)]
    pub struct Admitted;
    /// The object in its new version.
    #[derive(Clone, Copy, Debug)]
    pub struct Converted;
}

/// What a function given to `run` may return, by the kind of the handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from this handler",
    label = "the handler returns this",
    note = "handlers of objects return `()`, a `Value`, a text, a number, a boolean, `Json(value)`, an `Option` or a `Result` of these",
    note = "handlers of creations and updates may return `Applied` as well, those of deletions `Deleted`, and those of verifications return `Verified`",
    note = "reconcile handlers return `Action`, or nothing",
    note = "validate and mutate handlers return `()`, or an error that refuses the request; conversions return the object",
    note = "startup handlers return `()` or `State(value)`, cleanup handlers `()`, login handlers credentials; or a `Result` of these",
    note = "index handlers return a `HashMap`, a `BTreeMap`, a list of pairs, `Indexed`, or a plain value"
)]
pub trait Output<R> {
    /// What becomes of it.
    fn into_outcome(self) -> Result<Outcome, HandlerError>;

    /// The types of the index that it goes into.
    #[doc(hidden)]
    fn shape() -> Option<IndexShape>
    where
        Self: Sized,
    {
        None
    }
}

/// A serialisable value for the status, returned from a closure.
///
/// Functions under an attribute need no wrapper.
///
/// # Examples
/// ```
/// use kopfrs::handler::Json;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Report { pods: u32 }
///
/// let returned = Json(Report { pods: 3 });
/// assert_eq!(serde_json::to_value(returned).unwrap()["pods"], 3);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<R, T: Output<R>, E: IntoHandlerError> Output<R> for Result<T, E> {
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        self.map_err(IntoHandlerError::into_handler_error)?
            .into_outcome()
    }

    fn shape() -> Option<IndexShape> {
        T::shape()
    }
}

impl<R, T: Output<R>> Output<R> for Option<T> {
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        self.map_or_else(|| Ok(Outcome::none()), Output::into_outcome)
    }

    fn shape() -> Option<IndexShape> {
        T::shape()
    }
}

impl<R> Output<R> for () {
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        Ok(Outcome::none())
    }
}

macro_rules! stored {
    ($returns:ty: $($type:ty),*) => {
        $(
            impl Output<$returns> for $type {
                fn into_outcome(self) -> Result<Outcome, HandlerError> {
                    Outcome::of(self)
                }
            }
        )*

        impl<T: Serialize> Output<$returns> for Json<T> {
            fn into_outcome(self) -> Result<Outcome, HandlerError> {
                Outcome::of(self.0)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: Serialize> IntoOutcome<$returns, ViaSerialize> for T {
            fn into_outcome(self) -> Result<Outcome, HandlerError> {
                Outcome::of(self)
            }
        }
    };
    ($($returns:ty),*) => {$(
        stored!(
            $returns: Value, String, &str, bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64
        );
    )*};
}

stored!(
    returns::Stored,
    returns::Applied,
    returns::Deleted,
    returns::Converted
);

impl Output<returns::Reconciled> for Action {
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        Ok(Outcome::action(self))
    }
}

/// What the handlers of an operation of a lifecycle may return to tell where it has led.
pub trait Verdictive<R>: Into<Report<Self::Of>> {
    /// Its outcomes.
    type Of: Into<Verdict>;
}

macro_rules! verdicts {
    ($($returns:ty, $of:ty: $($type:ty),*;)*) => {$($(
        impl Verdictive<$returns> for $type {
            type Of = $of;
        }

        impl Output<$returns> for $type {
            fn into_outcome(self) -> Result<Outcome, HandlerError> {
                Ok(Outcome::verdict(Report::<$of>::from(self).erase()))
            }
        }
    )*)*};
}

verdicts! {
    returns::Applied, lifecycle::Applied: lifecycle::Applied, Report<lifecycle::Applied>;
    returns::Deleted, lifecycle::Deleted: lifecycle::Deleted, Report<lifecycle::Deleted>;
    returns::Verified, lifecycle::Verified: lifecycle::Verified, Report<lifecycle::Verified>;
    returns::Applied, Verdict: Report;
    returns::Deleted, Verdict: Report;
    returns::Verified, Verdict: Report;
}

/// What a function under an attribute may return, errors aside, by the kind of the handler.
///
/// `M` is found by the compiler; it keeps the ways apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from this handler",
    label = "the handler returns this",
    note = "handlers of objects return anything that implements `serde::Serialize`, or nothing",
    note = "handlers of creations and updates may return `Applied` as well, those of deletions `Deleted`, and those of verifications return `Verified`",
    note = "reconcile handlers return `Action`, or nothing",
    note = "validate and mutate handlers return `()`, or an error that refuses the request; conversions return the object",
    note = "startup handlers return `()` or `State(value)`, cleanup handlers `()`, login handlers credentials; or a `Result` of these"
)]
pub trait IntoOutcome<R, M> {
    /// What becomes of it.
    fn into_outcome(self) -> Result<Outcome, HandlerError>;
}

/// By serialising it.
#[derive(Debug)]
pub enum ViaSerialize {}

/// As listed for the kind of handlers.
#[derive(Debug)]
pub enum ViaOutput {}

/// As the outcome of an operation.
#[derive(Debug)]
pub enum ViaVerdict {}

#[diagnostic::do_not_recommend]
impl<R, T: Verdictive<R>> IntoOutcome<R, ViaVerdict> for T {
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        Ok(Outcome::verdict(self.into().erase()))
    }
}

macro_rules! as_listed {
    ($($returns:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: Output<$returns>> IntoOutcome<$returns, ViaOutput> for T {
            fn into_outcome(self) -> Result<Outcome, HandlerError> {
                Output::<$returns>::into_outcome(self)
            }
        }
    )*};
}

as_listed!(
    returns::Startup,
    returns::Cleanup,
    returns::Login,
    returns::Reconciled,
    returns::Admitted
);
