//! Arguments of handlers: by type, or by name.
//!
//! The type decides whether an argument is an extractor ([`Extract`]: `&Diff`, `Client`,
//! `State<T>`, types of your own); otherwise its name decides ([`names`]: `spec`, `old`, `retry`).
//! Both ways are one trait, [`FromArg`], so that the attributes ask one question per argument. Its
//! last parameter is found by the compiler, and keeps the ways apart without specialisation.
//!
//! Called by what the attributes emit and by `run` of the builders. Knows the invocation of a
//! handler, and neither how handlers are found nor how they are run.

mod admission;
mod argument;
#[doc(hidden)]
pub mod ask;
mod change;
mod decode;
mod extractors;
mod index;
mod memo;
mod metadata;
pub mod names;
mod param;
mod sections;
mod state;
mod subhandlers;

use std::sync::Arc;

pub use self::argument::{ArgError, Argument};
pub use self::change::{Transition, Untyped};
pub use self::extractors::Attempted;
pub use self::memo::Memo;
pub(crate) use self::memo::bequeath;
pub use self::state::{SharedStates, State};
use crate::handler::{Family, Invocation};

/// An argument that is known by its type, under any name.
///
/// Implement it for types of your own to take them as arguments.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use kopfrs::cause::ObjectCause;
/// use kopfrs::extract::{ArgError, Argument, Extract};
/// use kopfrs::handler::{Family, Invocation};
///
/// /// The owner that an object names in a label.
/// struct Team(String);
///
/// impl<'a, C: Family + ObjectCause> Extract<'a, C> for Team {
///     fn extract(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
///         let label = invocation.cause.body().label("team");
///         label.map(|team| Self(team.to_owned())).ok_or_else(|| argument.error("the object has no label `team`"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known by its type in handlers with `{C}`",
    label = "not an argument by its type"
)]
pub trait Extract<'a, C: Family>: Sized {
    /// Makes the argument.
    ///
    /// # Errors
    /// If it cannot be made of this object: [`Argument::error`]. The handler fails, and is tried
    /// again when the object changes.
    fn extract(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError>;
}

/// An argument by its type or by its name.
///
/// Not to be implemented by users: see [`Extract`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of this name in handlers with `{C}`",
    label = "not what this argument is"
)]
pub trait FromArg<'a, C: Family, Name, M>: Sized {
    /// Makes the argument.
    ///
    /// # Errors
    /// If it cannot be made of this object.
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError>;
}

/// How an argument was understood; found by the compiler.
pub mod via {
    /// By its type.
    #[derive(Debug)]
    pub enum Extractor {}
    /// By its name, as any type that can be read from JSON.
    #[derive(Debug)]
    pub enum Decoding {}
    /// By its name, as one certain type.
    #[derive(Debug)]
    pub enum Name {}
    /// The index of its name.
    #[derive(Debug)]
    pub enum Index {}
    /// The whole object in the type of the attribute.
    #[derive(Debug)]
    pub enum Whole {}
    /// The whole object behind an `Arc`, under any name.
    #[derive(Debug)]
    pub enum Object {}
    /// The spec of the type of the attribute.
    #[derive(Debug)]
    pub enum Spec {}
    /// The same, or `None` where there is none.
    #[derive(Debug)]
    pub struct Optional<M>(std::marker::PhantomData<M>);
}

#[diagnostic::do_not_recommend]
impl<'a, C, N, T> FromArg<'a, C, N, via::Extractor> for T
where
    C: Family,
    N: names::Extractable,
    T: Extract<'a, C>,
{
    fn from_arg(invocation: &'a Arc<Invocation<C>>, argument: &Argument) -> Result<Self, ArgError> {
        T::extract(invocation, argument)
    }
}

#[cfg(all(test, feature = "macros"))]
mod tests;
