//! Functions and closures as handlers: arguments by type.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::events::carried;
use crate::extract::{Argument, FromArg, names};
use crate::handler::{Environment, ErrorKind, Family, HandlerError, Invocation, Outcome, Output};
use crate::index::IndexShape;

/// Async functions and closures of up to eight arguments, each known by its type and owned:
/// `Body`, `Patch`, `Diff`, `Client`, `State<T>`, `Arc<K>`, or everything at once as
/// `Arc<Invocation<C>>`.
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler with `{C}`",
    label = "not an async function of arguments known by their types",
    note = "arguments are owned, and known by their types: `Body`, `Patch`, `Client`, `State<T>`, `Memo<T>`, `Indices`, `Arc<K>`, `Arc<Invocation<C>>`; of changes also `Diff` and `Reason`, of events `RawEvent` and `EventType`, of daemons and timers `Stopped` and `Live`",
    note = "it returns a future of `()`, a `Value`, a text, a number, `Json(value)`, an `Option` or a `Result` of these; functions that block go to `run_blocking`"
)]
pub trait Function<C: Family, R, M>: Send + Sync + 'static {
    /// Extracts the arguments, and calls the function.
    fn call(
        &self,
        invocation: Arc<Invocation<C>>,
    ) -> BoxFuture<'static, Result<Outcome, HandlerError>>;

    /// The types of the index that it fills.
    fn shape(&self) -> Option<IndexShape>;
}

/// Functions and closures that block their thread; otherwise as [`Function`].
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a blocking handler with `{C}`",
    label = "not a function of arguments known by their types",
    note = "arguments are owned, and known by their types: `Body`, `Patch`, `Client`, `State<T>`, `Memo<T>`, `Indices`, `Arc<K>`, `Arc<Invocation<C>>`; of changes also `Diff` and `Reason`, of events `RawEvent` and `EventType`, of daemons and timers `Stopped` and `Live`",
    note = "it returns `()`, a `Value`, a text, a number, `Json(value)`, an `Option` or a `Result` of these; async functions go to `run`"
)]
pub trait BlockingFunction<C: Family, R, M>: Send + Sync + 'static {
    /// Extracts the arguments, and calls the function.
    fn call(&self, invocation: Arc<Invocation<C>>) -> Result<Outcome, HandlerError>;

    /// The types of the index that it fills.
    fn shape(&self) -> Option<IndexShape>;
}

/// Where an argument of a closure stands: its name cannot be known.
pub(super) const PLACES: [&str; 8] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
];

macro_rules! functions {
    ($($argument:ident $marker:ident $value:ident $place:literal),*) => {
        #[diagnostic::do_not_recommend]
        impl<F, Fut, C, R, $($argument, $marker,)*> Function<C, R, (Fut, $(($argument, $marker),)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            Fut::Output: Output<R>,
            C: Family,
            $($argument: for<'a> FromArg<'a, C, names::Nameless, $marker>,)*
        {
            #[allow(unused_variables, reason = "there may be no arguments")]
            fn call(
                &self,
                invocation: Arc<Invocation<C>>,
            ) -> BoxFuture<'static, Result<Outcome, HandlerError>> {
                $(let $value = match $argument::from_arg(&invocation, &Argument::new(PLACES[$place])) {
                    Ok(value) => value,
                    Err(error) => return failed(HandlerError::of_argument(error)),
                };)*
                let returned = self($($value),*);
                Box::pin(async move { returned.await.into_outcome() })
            }

            fn shape(&self) -> Option<IndexShape> {
                <Fut::Output as Output<R>>::shape()
            }
        }

        #[diagnostic::do_not_recommend]
        impl<F, T, C, R, $($argument, $marker,)*> BlockingFunction<C, R, (T, $(($argument, $marker),)*)> for F
        where
            F: Fn($($argument),*) -> T + Send + Sync + 'static,
            T: Output<R>,
            C: Family,
            $($argument: for<'a> FromArg<'a, C, names::Nameless, $marker>,)*
        {
            #[allow(unused_variables, reason = "there may be no arguments")]
            fn call(&self, invocation: Arc<Invocation<C>>) -> Result<Outcome, HandlerError> {
                $(let $value = $argument::from_arg(&invocation, &Argument::new(PLACES[$place]))
                    .map_err(HandlerError::of_argument)?;)*
                self($($value),*).into_outcome()
            }

            fn shape(&self) -> Option<IndexShape> {
                <T as Output<R>>::shape()
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

pub(super) fn failed(error: HandlerError) -> BoxFuture<'static, Result<Outcome, HandlerError>> {
    Box::pin(std::future::ready(Err(error)))
}

/// How many functions block a thread at once where nothing is set. tokio has 512 threads for that; in its own line
/// nobody can be told to end, and names of hosts are resolved by some of them.
const THREADS: usize = 480;

/// Threads for functions that block, as many as the settings allow.
#[derive(Debug, Default)]
pub(crate) struct Threads(Mutex<Option<(usize, Arc<Semaphore>)>>);

/// A thread for a function that blocks; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Thread(
    #[expect(dead_code, reason = "it is only held")] Option<OwnedSemaphorePermit>,
);

tokio::task_local! {
    /// A thread that was taken before the call.
    static TAKEN: Cell<Option<Thread>>;
}

impl Thread {
    /// Has a function called on this thread, if it blocks.
    pub(crate) async fn lent_to<F: Future>(self, call: F) -> F::Output {
        TAKEN.scope(Cell::new(Some(self)), call).await
    }
}

impl Threads {
    fn all(environment: &Environment) -> Arc<Semaphore> {
        let limit = environment.settings.get().execution.max_workers;
        let threads = environment.aspects.get_or_default::<Self>();
        threads.of(limit.unwrap_or(THREADS))
    }

    /// Takes one, if one is free.
    pub(crate) fn free(environment: &Environment) -> Option<Thread> {
        let thread = Self::all(environment).try_acquire_owned().ok()?;
        Some(Thread(Some(thread)))
    }

    /// Waits for one.
    pub(crate) async fn next(environment: &Environment) -> Thread {
        Thread(Self::all(environment).acquire_owned().await.ok())
    }

    /// Startup handlers may still change how many there are.
    fn of(&self, limit: usize) -> Arc<Semaphore> {
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*threads {
            Some((known, threads)) if *known == limit => threads.clone(),
            _ => {
                let count = limit.clamp(1, Semaphore::MAX_PERMITS);
                let new = Arc::new(Semaphore::new(count));
                *threads = Some((limit, new.clone()));
                new
            }
        }
    }
}

/// Calls a function on a thread of the blocking pool, in the present span. Its panics are failures.
pub(super) async fn blocking(
    environment: Arc<Environment>,
    call: impl FnOnce() -> Result<Outcome, HandlerError> + Send + 'static,
) -> Result<Outcome, HandlerError> {
    let span = tracing::Span::current();
    let call = carried(call);
    let taken = TAKEN.try_with(Cell::take).ok().flatten();
    let thread = match taken {
        Some(thread) => thread,
        None => Threads::next(&environment).await,
    };
    let call = move || {
        // Given back when the function ends, though nobody may wait for it any more.
        let _thread = thread;
        span.in_scope(call)
    };
    let joined = tokio::task::spawn_blocking(call).await;
    joined.unwrap_or_else(|error| {
        Err(match error.try_into_panic() {
            Ok(payload) => HandlerError::of_panic(&*payload),
            // Only if the runtime is going down before the function has begun.
            Err(error) => HandlerError::new(ErrorKind::Arbitrary, error.to_string()),
        })
    })
}
