//! Shared state of the users' own: one value of each type, made at startup.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{ArgError, Argument, Extract};
use crate::handler::{Family, HandlerError, Invocation, Outcome, Output, States, returns};

/// A value that all handlers share.
///
/// Returned from a startup handler, and taken by any handler as an argument, under any name. Cheap
/// to clone; it cannot be changed, so put a lock into it if it must be.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kopfrs::prelude::*;
///
/// struct Pool { size: usize }
///
/// #[on::startup]
/// fn connect() -> State<Pool> {
///     State(Pool { size: 4 })
/// }
///
/// #[on::create(Pod)]
/// fn create(pool: State<Pool>) -> usize {
///     pool.size
/// }
/// # assert_eq!(create(connect()), 4);
/// ```
pub struct State<T: ?Sized> {
    value: Arc<T>,
}

/// Shares a value with all handlers: `return State(value)` in a startup handler.
#[expect(non_snake_case, reason = "it makes what is named so")]
pub fn State<T>(value: T) -> State<T> {
    State {
        value: Arc::new(value),
    }
}

impl<T> State<T> {
    /// The value, shared.
    pub fn into_arc(self) -> Arc<T> {
        self.value
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.value).finish()
    }
}

impl<'a, C: Family, T: Send + Sync + 'static> Extract<'a, C> for State<T> {
    fn extract(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        let value = invocation.environment.states.get::<T>();
        value.map(|value| Self { value }).ok_or_else(|| {
            let name = type_name::<T>();
            argument.error(format_args!(
                "no startup handler has returned `State<{name}>`"
            ))
        })
    }
}

type AnyShared = Arc<dyn Any + Send + Sync>;

/// What startup handlers have returned to be shared: the product of their outcome.
pub struct SharedStates(Vec<(TypeId, &'static str, AnyShared)>);

impl SharedStates {
    fn of<T: Send + Sync + 'static>(state: State<T>) -> Self {
        Self(vec![(TypeId::of::<T>(), type_name::<T>(), state.value)])
    }

    /// Makes them arguments of all handlers.
    pub fn store(self, states: &States) {
        for (id, name, value) in self.0 {
            states.insert_any(id, name, value);
        }
    }
}

impl fmt::Debug for SharedStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|state| state.1))
            .finish()
    }
}

impl<T: Send + Sync + 'static> Output<returns::Startup> for State<T> {
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        Ok(Outcome::product(SharedStates::of(self)))
    }
}

impl<A: Send + Sync + 'static, B: Send + Sync + 'static> Output<returns::Startup>
    for (State<A>, State<B>)
{
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        let (mut states, mut others) = (SharedStates::of(self.0), SharedStates::of(self.1));
        states.0.append(&mut others.0);
        Ok(Outcome::product(states))
    }
}
