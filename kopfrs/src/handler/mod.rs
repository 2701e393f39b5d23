//! What the user declared: which function is to be called for what, and how.
//!
//! Untyped: the function is behind a callback that gets an invocation and gives an outcome; the
//! attributes and the builders make that callback from a typed function.

mod admission;
mod chain;
mod environment;
mod error;
mod family;
mod indexed;
mod invocation;
mod options;
mod outcome;
mod relation;
mod spawning;
mod subhandlers;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

pub use self::admission::{AdmissionError, AdmissionRule, ConversionRule, Review};
pub use self::environment::{Environment, Memos, States};
pub use self::error::{
    ErrorKind, HandlerError, IntoHandlerError, PermanentError, Result, TemporaryError,
};
pub use self::family::{ChangingRule, Family, IndexingRule};
pub use self::indexed::Indexed;
#[doc(hidden)]
pub use self::indexed::{
    ByEntries, ByOption, ByResult, ByResultOption, ByValue, Entries, Found, Way,
};
pub use self::invocation::{Attempt, Invocation};
pub use self::options::{ErrorsMode, Options};
pub use self::outcome::{IntoOutcome, Json, Outcome, Output, ViaOutput, ViaSerialize, returns};
pub(crate) use self::relation::Bond;
pub use self::relation::Relation;
pub use self::spawning::{Cancellation, Course, Delay, Schedule, SpawningRule};
pub(crate) use self::subhandlers::Runner;
pub use self::subhandlers::{ExecuteError, Outcomes, Subhandlers};
use crate::filter::Filter;
use crate::index::IndexUse;
use crate::resource::Selector;

/// Calls the user's function.
pub type Callback<C> =
    Arc<dyn Fn(Arc<Invocation<C>>) -> BoxFuture<'static, Result<Outcome>> + Send + Sync>;

/// Anything that a handler was declared with as its `param`.
pub type Param = Arc<dyn Any + Send + Sync>;

/// Where a handler was declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The file, as the compiler names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The path of the module.
    pub module: &'static str,
}

/// One declared handler.
pub struct Handler<C: Family> {
    /// Names the handler in logs, in the stored progress, and in `status`.
    pub id: String,
    /// The kinds it is for; activities have none.
    pub selector: Option<Selector>,
    /// What to do with errors.
    pub options: Options,
    /// The objects and changes it is for.
    pub filter: Filter<C>,
    /// What is special to the family.
    pub rule: C::Rule,
    /// A value of the user's own.
    pub param: Option<Param>,
    /// Where it was declared.
    pub location: Location,
    /// The same for all handlers made of one function, and only for them.
    pub function: String,
    /// Whether the function blocks a thread while it runs.
    pub is_blocking: bool,
    /// The indices that the function takes as arguments, as far as that is known.
    pub indices: Vec<IndexUse>,
    /// Calls the function.
    pub call: Callback<C>,
}

/// What is the same for all handlers made of one function. Two functions may have one path, in
/// different blocks, so the path alone does not tell them.
pub(crate) fn identity<F: 'static>() -> String {
    let (path, id) = (std::any::type_name::<F>(), std::any::TypeId::of::<F>());
    format!("{path} {id:?}")
}

impl<C: Family> fmt::Debug for Handler<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler")
            .field("id", &self.id)
            .field("selector", &self.selector)
            .field("options", &self.options)
            .field("filter", &self.filter)
            .field("rule", &self.rule)
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
