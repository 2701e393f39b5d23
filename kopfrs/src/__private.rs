//! What the attributes expand to. Not for users: it may change in any release.

mod indices;

pub use std::boxed::Box;
pub use std::sync::Arc;
pub use std::time::Duration;

pub use inventory;

pub use self::indices::*;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

pub use crate::cause::{
    ActivityCause, AdmissionCause, ChangingCause, ConversionCause, IndexingCause, Operation,
    SpawningCause, WatchingCause,
};
pub use crate::extract::{Argument, Untyped, ask, names};
use crate::filter::Criterion;
pub use crate::filter::{ABSENT, PRESENT};
use crate::handler::{Delay, IntoHandlerError, IntoOutcome, Outcome};
pub use crate::handler::{ErrorsMode, HandlerError, Invocation, Location, Relation, returns};
pub use crate::object::FieldPath;
pub use crate::on;
use crate::on::IntoCriterion;
pub use crate::reconcile::{StatusError, StatusErrorType};
pub use crate::registry::{Registry, Submission};
pub use crate::resource::Selector;
use crate::resource::SelectorError;
#[cfg(feature = "testing")]
pub use crate::testing::{Backend, Test};

/// What is the same for all handlers made of one function.
pub fn function<F: 'static>(_: &F) -> String {
    crate::handler::identity::<F>()
}

/// A selector whose texts the attribute has checked.
///
/// # Panics
/// Not for what the attributes let through.
pub fn selector(selector: Result<Selector, SelectorError>) -> Selector {
    selector.expect("the attribute refuses empty parts of names")
}

/// Stands for a type that a handler is declared for.
#[derive(Debug)]
pub struct Defining<K>(std::marker::PhantomData<K>);

impl<K> Defining<K> {
    /// Asks whether the type knows its definition.
    #[expect(clippy::new_without_default, reason = "it is only made by attributes")]
    pub fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

/// Finds out that a type knows its definition: found before [`Undefined`], which needs one more
/// reference.
pub trait Defined {
    /// What makes the definition.
    fn kopfrs_definition(&self) -> Option<fn() -> CustomResourceDefinition>;
}

impl<K: kube::CustomResourceExt> Defined for Defining<K> {
    fn kopfrs_definition(&self) -> Option<fn() -> CustomResourceDefinition> {
        Some(K::crd)
    }
}

/// Finds out that a type does not: one of `k8s_openapi`'s, say.
pub trait Undefined {
    /// Nothing.
    fn kopfrs_definition(&self) -> Option<fn() -> CustomResourceDefinition> {
        None
    }
}

impl<K> Undefined for &Defining<K> {}

/// A criterion of a label or an annotation.
pub fn text_criterion<M>(criterion: impl IntoCriterion<str, M>) -> Criterion<str> {
    criterion.into_criterion()
}

/// A criterion of a field.
pub fn json_criterion<M>(criterion: impl IntoCriterion<Value, M>) -> Criterion<Value> {
    criterion.into_criterion()
}

/// A closure as a criterion; its argument's type is known here.
pub fn text_check(check: impl Fn(Option<&str>) -> bool + Send + Sync + 'static) -> Criterion<str> {
    Criterion::check(check)
}

/// A closure as a criterion; its argument's type is known here.
pub fn json_check(
    check: impl Fn(Option<&Value>) -> bool + Send + Sync + 'static,
) -> Criterion<Value> {
    Criterion::check(check)
}

/// A closure that tells an initial delay; its argument's type is known here.
pub fn delay_of(ask: impl Fn(&SpawningCause) -> Duration + Send + Sync + 'static) -> Delay {
    Delay::Asked(Arc::new(ask))
}

/// Finds out that a function has returned a `Result`, of whatever: found before [`ReturnedValue`],
/// which needs one more reference.
pub trait ReturnedResult {
    /// What was returned.
    fn kopfrs_returned(&self) -> ResultTag {
        ResultTag
    }
}

impl<T, E> ReturnedResult for Result<T, E> {}

/// Finds out that a function has returned anything else.
pub trait ReturnedValue {
    /// What was returned.
    fn kopfrs_returned(&self) -> ValueTag {
        ValueTag
    }
}

impl<T> ReturnedValue for &T {}

/// A `Result` was returned.
#[derive(Clone, Copy, Debug)]
pub struct ResultTag;

/// Anything but a `Result` was returned.
#[derive(Clone, Copy, Debug)]
pub struct ValueTag;

impl ResultTag {
    /// What becomes of it.
    ///
    /// # Errors
    /// If it is an error.
    pub fn outcome<R, M, T, E>(self, _: R, returned: Result<T, E>) -> Result<Outcome, HandlerError>
    where
        T: IntoOutcome<R, M>,
        E: IntoHandlerError,
    {
        returned
            .map_err(IntoHandlerError::into_handler_error)?
            .into_outcome()
    }
}

impl ValueTag {
    /// What becomes of it.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn outcome<R, M, T: IntoOutcome<R, M>>(
        self,
        _: R,
        returned: T,
    ) -> Result<Outcome, HandlerError> {
        returned.into_outcome()
    }
}
