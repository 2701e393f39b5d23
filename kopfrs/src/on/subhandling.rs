//! Registering sub-handlers: the options of the builders, and functions that are called once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::IntoCriterion;
use super::builder::{Builder, Filtered, Kind, Retried, Transitional};
use super::run::{PLACES, failed};
use crate::cause::ChangingCause;
use crate::extract::{Argument, FromArg, names};
use crate::handler::{
    ChangingRule, ErrorKind, ErrorsMode, HandlerError, Invocation, Outcome, Output, Subhandlers,
    returns,
};
use crate::object::FieldPath;

/// Called for a part of the work of another handler.
#[derive(Debug)]
pub enum Subhandler {}

impl Kind for Subhandler {
    type Cause = ChangingCause;
    type Returns = returns::Stored;

    const NAMES_FIELD: bool = false;
}

impl Retried for Subhandler {}
impl Filtered for Subhandler {}
impl Transitional for Subhandler {}

/// A sub-handler that is being registered: options, and then `run` with its function.
///
/// Every option of `on::update` is a method here, under the same name. What it is called with is what
/// its parent is called with: `old`, `new` and `diff` are those of the parent's field, if that has
/// one, or of a `field` of its own.
#[derive(Debug)]
#[must_use = "a sub-handler is registered by `run`"]
pub struct Registration<'s> {
    subhandlers: &'s Subhandlers,
    builder: Builder<Subhandler>,
}

impl Subhandlers {
    /// Registers a sub-handler: say its options, and then `run` with its function. Its id, in logs, in
    /// the stored progress and in the status, is that of the handler, a slash, and this one.
    ///
    /// # Examples
    /// ```
    /// use k8s_openapi::api::core::v1::ConfigMap;
    /// use kopfrs::prelude::*;
    ///
    /// #[on::create(ConfigMap)]
    /// fn create(subs: &Subhandlers, name: &str) {
    ///     for server in ["a", "b"] {
    ///         let greeting = format!("hello {server}, this is {name}");
    ///         subs.register(server).backoff(Duration::from_secs(5)).run(async move |body: Body| {
    ///             info!("{greeting} of {}", body.namespace().unwrap_or_default());
    ///         });
    ///     }
    ///     subs.register("slow").run_blocking(|_: Body| std::thread::yield_now());
    /// }
    /// # let subs = Subhandlers::default();
    /// # create(&subs, "x");
    /// # assert_eq!(subs.ids(), ["a", "b", "slow"]);
    /// ```
    #[track_caller]
    pub fn register(&self, id: impl Into<String>) -> Registration<'_> {
        let id = self.id_of(&id.into());
        Registration {
            subhandlers: self,
            builder: Builder::begin(None, ChangingRule::default()).id(id),
        }
    }
}

/// One option a row, as the builders have it.
macro_rules! options {
    ($($(#[$doc:meta])* $option:ident $([$($generics:tt)*])? ($($argument:ident: $type:ty),*);)*) => {$(
        $(#[$doc])*
        pub fn $option$(<$($generics)*>)?(mut self, $($argument: $type),*) -> Self {
            self.builder = self.builder.$option($($argument),*);
            self
        }
    )*};
}

impl Registration<'_> {
    options! {
        /// A value that the function finds in the `param` of its `Arc<Invocation<ChangingCause>>`.
        param[T: Send + Sync + 'static](param: T);
        /// What errors mean that say nothing of it themselves.
        errors(errors: ErrorsMode);
        /// No attempt begins later than this after the beginning of the first one.
        timeout(timeout: Duration);
        /// How many attempts there may be in total.
        retries(retries: u32);
        /// How long to wait after an error that does not say so itself.
        backoff(backoff: Duration);
        /// Only for objects with this label: a text, `PRESENT`, `ABSENT`, or a function of
        /// `Option<&str>`.
        label[M](key: &str, criterion: impl IntoCriterion<str, M>);
        /// Only for objects with this annotation; as for labels.
        annotation[M](key: &str, criterion: impl IntoCriterion<str, M>);
        /// Only for causes of which this says so; asked last.
        when(when: impl Fn(&ChangingCause) -> bool + Send + Sync + 'static);
        /// Only for objects that have this field, and in updates only if it has changed; `old`, `new` and
        /// `diff` are the field's then.
        field(field: FieldPath);
        /// Only if the field is so, before or after the change: a value, `PRESENT`, `ABSENT`, or a
        /// function of `Option<&Value>`.
        value[M](value: impl IntoCriterion<Value, M>);
        /// Only if the field was so before the change; of update and field handlers.
        old[M](old: impl IntoCriterion<Value, M>);
        /// Only if the field is so after the change; of update and field handlers.
        new[M](new: impl IntoCriterion<Value, M>);
    }

    /// Registers an async function or closure; its arguments are known by their types. It is called
    /// once in each round, so it may give away what it has captured.
    pub fn run<F, M>(self, function: F)
    where
        F: OnceFunction<M>,
    {
        let function = Once::new(function);
        let handler = self
            .builder
            .function("", crate::handler::identity::<F>())
            .call(move |invocation| match function.take() {
                Ok(function) => function.call(invocation),
                Err(error) => failed(error),
            });
        self.subhandlers.add(handler);
    }

    /// Registers a function or closure that blocks its thread; it gets one of the blocking pool.
    pub fn run_blocking<F, M>(self, function: F)
    where
        F: BlockingOnceFunction<M>,
    {
        let function = Once::new(function);
        let handler = self
            .builder
            .function("", crate::handler::identity::<F>())
            .call_blocking(move |invocation| function.take()?.call(invocation));
        self.subhandlers.add(handler);
    }
}

/// A function until it is called.
struct Once<F>(Mutex<Option<F>>);

impl<F> Once<F> {
    fn new(function: F) -> Self {
        Self(Mutex::new(Some(function)))
    }

    fn take(&self) -> Result<F, HandlerError> {
        let mut function = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = function.take();
        taken
            .ok_or_else(|| HandlerError::new(ErrorKind::Permanent, "was called twice in one round"))
    }
}

/// Async functions and closures of up to eight arguments, each known by its type and owned, that are
/// called once.
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a sub-handler",
    label = "not an async function of arguments known by their types",
    note = "arguments are owned, and known by their types: `Body`, `Patch`, `Client`, `Actions`, `State<T>`, `Memo<T>`, `Arc<K>`, `Diff`, `Reason`, `Attempt`, `Subhandlers`, `Arc<Invocation<ChangingCause>>`; what else it needs, it captures: `async move |patch: Patch| …`",
    note = "it returns a future of `()`, a `Value`, a text, a number, `Json(value)`, an `Option` or a `Result` of these; functions that block go to `run_blocking`"
)]
pub trait OnceFunction<M>: Send + 'static {
    /// Extracts the arguments, and calls the function.
    fn call(
        self,
        invocation: Arc<Invocation<ChangingCause>>,
    ) -> BoxFuture<'static, Result<Outcome, HandlerError>>;
}

/// Functions and closures that block their thread; otherwise as [`OnceFunction`].
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a blocking sub-handler",
    label = "not a function of arguments known by their types",
    note = "arguments are owned, and known by their types: `Body`, `Patch`, `Client`, `Actions`, `State<T>`, `Memo<T>`, `Arc<K>`, `Diff`, `Reason`, `Attempt`, `Subhandlers`, `Arc<Invocation<ChangingCause>>`; what else it needs, it captures: `move |patch: Patch| …`",
    note = "it returns `()`, a `Value`, a text, a number, `Json(value)`, an `Option` or a `Result` of these; async functions go to `run`"
)]
pub trait BlockingOnceFunction<M>: Send + 'static {
    /// Extracts the arguments, and calls the function.
    fn call(self, invocation: Arc<Invocation<ChangingCause>>) -> Result<Outcome, HandlerError>;
}

macro_rules! functions {
    ($($argument:ident $marker:ident $value:ident $place:literal),*) => {
        #[diagnostic::do_not_recommend]
        impl<F, Fut, $($argument, $marker,)*> OnceFunction<(Fut, $(($argument, $marker),)*)> for F
        where
            F: FnOnce($($argument),*) -> Fut + Send + 'static,
            Fut: Future + Send + 'static,
            Fut::Output: Output<returns::Stored>,
            $($argument: for<'a> FromArg<'a, ChangingCause, names::Unknown, $marker>,)*
        {
            #[allow(unused_variables, reason = "there may be no arguments")]
            fn call(
                self,
                invocation: Arc<Invocation<ChangingCause>>,
            ) -> BoxFuture<'static, Result<Outcome, HandlerError>> {
                $(let $value = match $argument::from_arg(&invocation, &Argument::new(PLACES[$place])) {
                    Ok(value) => value,
                    Err(error) => return failed(HandlerError::of_argument(error)),
                };)*
                let returned = self($($value),*);
                Box::pin(async move { returned.await.into_outcome() })
            }
        }

        #[diagnostic::do_not_recommend]
        impl<F, T, $($argument, $marker,)*> BlockingOnceFunction<(T, $(($argument, $marker),)*)> for F
        where
            F: FnOnce($($argument),*) -> T + Send + 'static,
            T: Output<returns::Stored>,
            $($argument: for<'a> FromArg<'a, ChangingCause, names::Unknown, $marker>,)*
        {
            #[allow(unused_variables, reason = "there may be no arguments")]
            fn call(self, invocation: Arc<Invocation<ChangingCause>>) -> Result<Outcome, HandlerError> {
                $(let $value = $argument::from_arg(&invocation, &Argument::new(PLACES[$place]))
                    .map_err(HandlerError::of_argument)?;)*
                self($($value),*).into_outcome()
            }
        }
    };
}

functions!();
functions!(A0 M0 a0 0);
functions!(A0 M0 a0 0, A1 M1 a1 1);
functions!(A0 M0 a0 0, A1 M1 a1 1, A2 M2 a2 2);
functions!(A0 M0 a0 0, A1 M1 a1 1, A2 M2 a2 2, A3 M3 a3 3);
functions!(A0 M0 a0 0, A1 M1 a1 1, A2 M2 a2 2, A3 M3 a3 3, A4 M4 a4 4);
functions!(A0 M0 a0 0, A1 M1 a1 1, A2 M2 a2 2, A3 M3 a3 3, A4 M4 a4 4, A5 M5 a5 5);
functions!(A0 M0 a0 0, A1 M1 a1 1, A2 M2 a2 2, A3 M3 a3 3, A4 M4 a4 4, A5 M5 a5 5, A6 M6 a6 6);
functions!(A0 M0 a0 0, A1 M1 a1 1, A2 M2 a2 2, A3 M3 a3 3, A4 M4 a4 4, A5 M5 a5 5, A6 M6 a6 6, A7 M7 a7 7);
