//! What is wrong with a set of handlers as a whole.

use std::sync::Arc;

use super::{Registry, Table};
use crate::cause::{ChangingCause, Reason};
use crate::handler::{Family, Handler, Location};
use crate::index::IndexShape;
use crate::resource::Selector;

/// Why an operator cannot work with its handlers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There are no handlers at all.
    #[error(
        "there are no handlers: the operator has nothing to do; if they are in a library, write `use my_handlers as _;` in the program, as the linker leaves out libraries that nothing names"
    )]
    Empty,
    /// Two functions under one id would overwrite each other's progress and results.
    #[error(
        "handlers at {first} and {second} are different functions with one id, `{id}`, for the same objects; give one of them another: `id = \"…\"`"
    )]
    Conflict {
        /// The id.
        id: String,
        /// Where the first of them is declared.
        first: Location,
        /// Where the second of them is declared.
        second: Location,
    },
    /// The types of an index are not known.
    #[error(
        "the index handler `{id}` at {location} returns nothing that tells what its index holds: let it return a mapping, a list of pairs, or a value"
    )]
    Shapeless {
        /// Its id.
        id: String,
        /// Where it is declared.
        location: Location,
    },
    /// Two functions fill one index with values of different types.
    #[error(
        "the index `{id}` is an `{}` at {} and an `{}` at {}: give one of them another id, or let both return the same",
        first.0, first.1, second.0, second.1
    )]
    Shapes {
        /// The id.
        id: String,
        /// The types of the first one, and where it is declared.
        first: Box<(IndexShape, Location)>,
        /// The types of the second one, and where it is declared.
        second: Box<(IndexShape, Location)>,
    },
    /// A handler takes an index that nobody fills.
    #[error(
        "{handler} at {location} takes the index `{index}`, but nobody fills one of this id; {hint}"
    )]
    UnknownIndex {
        /// The id of the index.
        index: String,
        /// Who takes it.
        handler: String,
        /// Where that is declared.
        location: Location,
        /// What else could be meant.
        hint: String,
    },
    /// A handler takes an index as one of other types.
    #[error(
        "{handler} at {location} takes the index `{index}` as an `{}`, but it is an `{}`, declared at {declared}: write that one",
        shapes.1, shapes.0
    )]
    Mistaken {
        /// The id of the index.
        index: String,
        /// Who takes it.
        handler: String,
        /// Where that is declared.
        location: Location,
        /// Where the index is declared.
        declared: Box<Location>,
        /// What it is, and as what it is taken.
        shapes: Box<(IndexShape, IndexShape)>,
    },
    /// A kind is handled by its changes, or by what verification finds: not by both.
    #[error(
        "the {handler} handler `{id}` at {location} is for objects that have a verify handler, which calls create, update, delete and complete handlers only: let verification find out what is to be done, or remove one of both"
    )]
    Verified {
        /// What it is for: `resume`, `field`.
        handler: String,
        /// Its id.
        id: String,
        /// Where it is declared.
        location: Location,
    },
    /// A kind is reconciled, or handled by its changes: not both.
    #[error(
        "the {handler} handler `{id}` at {location} is for objects that have a reconcile handler, which is called for whatever happens to them: let it do that work, or remove one of both; only delete and event handlers go together with it"
    )]
    Reconciled {
        /// What it is for: `create`, `field`.
        handler: String,
        /// Its id.
        id: String,
        /// Where it is declared.
        location: Location,
    },
    /// A handler of reviews is for no operation at all.
    #[error(
        "the handler `{id}` at {location} has an empty list of operations, so it would never be called; leave `operations` out for all of them"
    )]
    NoOperations {
        /// Its id.
        id: String,
        /// Where it is declared.
        location: Location,
    },
    /// A conversion does not say between which versions.
    #[error(
        "the conversion `{id}` at {location} needs two different versions: `.from(\"v1alpha1\").to(\"v1\")`"
    )]
    NoVersions {
        /// Its id.
        id: String,
        /// Where it is declared.
        location: Location,
    },
    /// A handler would never be called, or what it returns would not be understood.
    #[error(
        "the {handler} handler `{id}` at {location} needs a verify handler for the same objects: declare one with `on::verify`"
    )]
    Unverified {
        /// What it is for: `complete`.
        handler: String,
        /// Its id.
        id: String,
        /// Where it is declared.
        location: Location,
    },
}

impl Registry {
    /// Checks what handlers of reviews and conversions are for.
    ///
    /// # Errors
    /// If one of them could never be called.
    pub fn check_webhooks(&self) -> Result<(), RegistryError> {
        let idle = self.admission().iter().find(|handler| {
            let operations = handler.rule.operations.as_ref();
            operations.is_some_and(Vec::is_empty)
        });
        if let Some(handler) = idle {
            return Err(RegistryError::NoOperations {
                id: handler.id.clone(),
                location: handler.location,
            });
        }
        let lost = self.conversions().iter().find(|handler| {
            let rule = &handler.rule;
            rule.from.is_empty() || rule.to.is_empty() || rule.from == rule.to
        });
        lost.map_or(Ok(()), |handler| {
            Err(RegistryError::NoVersions {
                id: handler.id.clone(),
                location: handler.location,
            })
        })
    }

    /// Checks the ids of handlers that meet on one resource: those whose selectors `matches` says
    /// are for it.
    ///
    /// # Errors
    /// If two different functions have one id.
    pub fn check_resource(&self, matches: impl Fn(&Selector) -> bool) -> Result<(), RegistryError> {
        let is_met = |selector: Option<&Selector>| selector.is_some_and(&matches);
        check(self.indexing(), |handler| is_met(handler.selector.as_ref()))?;
        check(self.watching(), |handler| is_met(handler.selector.as_ref()))?;
        check(self.changing(), |handler| is_met(handler.selector.as_ref()))?;
        check(self.spawning(), |handler| is_met(handler.selector.as_ref()))?;
        self.check_reviews(&matches)?;
        let changing = self.changing().iter();
        check_lifecycle(changing.filter(|handler| is_met(handler.selector.as_ref())))
    }

    /// Checks the ids of handlers of reviews that meet on one resource: an id is the path by which they are asked.
    ///
    /// # Errors
    /// If two different functions have one id.
    pub fn check_reviews(&self, matches: impl Fn(&Selector) -> bool) -> Result<(), RegistryError> {
        check(self.admission(), |handler| {
            handler.selector.as_ref().is_some_and(&matches)
        })
    }

    /// Checks the ids of handlers of activities.
    ///
    /// # Errors
    /// If two different functions have one id.
    pub fn check_activities(&self) -> Result<(), RegistryError> {
        let all = self.activities();
        all.iter()
            .try_for_each(|one| check(all, |handler| handler.rule == one.rule))
    }
}

/// Checks that handlers of one kind go together.
fn check_lifecycle<'a>(
    handlers: impl Iterator<Item = &'a Arc<Handler<ChangingCause>>> + Clone,
) -> Result<(), RegistryError> {
    let is_for = |handler: &Handler<ChangingCause>, reason| handler.rule.reason == Some(reason);
    let is_verified = handlers.clone().any(|h| is_for(h, Reason::Verify));
    let is_reconciled = handlers.clone().any(|h| is_for(h, Reason::Reconcile));
    for handler in handlers {
        let (name, id, location) = (
            handler.rule.to_string(),
            handler.id.clone(),
            handler.location,
        );
        let goes_along = [Reason::Reconcile, Reason::Delete].map(Some);
        if is_reconciled && !goes_along.contains(&handler.rule.reason) {
            return Err(RegistryError::Reconciled {
                handler: name,
                id,
                location,
            });
        }
        match handler.rule.reason {
            Some(Reason::Resume) | None if is_verified => {
                return Err(RegistryError::Verified {
                    handler: name,
                    id,
                    location,
                });
            }
            _ if !is_verified
                && (handler.rule.is_operation || is_for(handler, Reason::Complete)) =>
            {
                return Err(RegistryError::Unverified {
                    handler: name,
                    id,
                    location,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

fn check<C: Family>(
    table: &Table<C>,
    is_met: impl Fn(&Handler<C>) -> bool,
) -> Result<(), RegistryError> {
    let met: Vec<_> = table.iter().filter(|handler| is_met(handler)).collect();
    for (i, second) in met.iter().enumerate() {
        let mut earlier = met[..i].iter();
        if let Some(first) =
            earlier.find(|first| first.id == second.id && first.function != second.function)
        {
            return Err(RegistryError::Conflict {
                id: second.id.clone(),
                first: first.location,
                second: second.location,
            });
        }
    }
    Ok(())
}
