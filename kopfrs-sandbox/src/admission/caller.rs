//! Who sends a request, and what they are warned about on the way.

use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::User;

/// The user of a request, with the warnings that its answer will carry.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: User,
    pub(crate) warnings: Warnings,
}

/// Warnings that come up while a request is worked off; also refused requests are answered with them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings(Arc<Mutex<Vec<String>>>);

impl Caller {
    pub(crate) fn new(user: User) -> Self {
        Self {
            user,
            warnings: Warnings::default(),
        }
    }
}

impl Warnings {
    pub(crate) fn add(&self, warning: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(warning);
    }

    /// Takes what has come up so far.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
