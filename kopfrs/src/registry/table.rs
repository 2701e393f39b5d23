//! The handlers of one family.

use std::collections::HashSet;
use std::sync::Arc;

use crate::handler::{Family, Handler};

/// The handlers of one family, in the order in which they are called.
#[derive(Debug)]
pub struct Table<C: Family> {
    handlers: Vec<Arc<Handler<C>>>,
}

impl<C: Family> Table<C> {
    /// All handlers.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<Handler<C>>> {
        self.handlers.iter()
    }

    /// How many handlers there are.
    pub fn len(&self) -> usize {
        self.handlers.len()
    }

    /// Whether there are no handlers.
    pub fn is_empty(&self) -> bool {
        self.handlers.is_empty()
    }

    /// The handlers for which something holds; of several made of one function under one id, the
    /// first: a function that is for creations and resumptions is called once.
    pub fn select(&self, holds: impl Fn(&Handler<C>) -> bool) -> Vec<&Arc<Handler<C>>> {
        let mut seen = HashSet::new();
        let selected = self.handlers.iter().filter(|handler| holds(handler));
        selected
            .filter(|handler| seen.insert((handler.function.clone(), handler.id.clone())))
            .collect()
    }

    pub(super) fn push(&mut self, handler: Arc<Handler<C>>) {
        self.handlers.push(handler);
    }

    pub(super) fn extend(&mut self, others: &Self) {
        self.handlers.extend(others.iter().cloned());
    }
}

impl<'a, C: Family> IntoIterator for &'a Table<C> {
    type Item = &'a Arc<Handler<C>>;
    type IntoIter = std::slice::Iter<'a, Arc<Handler<C>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<C: Family> Clone for Table<C> {
    fn clone(&self) -> Self {
        Self {
            handlers: self.handlers.clone(),
        }
    }
}

impl<C: Family> Default for Table<C> {
    fn default() -> Self {
        Self {
            handlers: Vec::new(),
        }
    }
}
