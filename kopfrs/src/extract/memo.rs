//! Values kept for one object in memory.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{ArgError, Argument, Extract};
use crate::handler::{Family, Invocation};

/// A value kept for the object, in memory, as long as the operator and the object live; in
/// activities, for the operator. Begins as the type's default.
///
/// Shared by all handlers of the object that take a memo of this type. Lost when the operator is
/// restarted: what must not be lost belongs into the object.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kopfrs::prelude::*;
///
/// #[derive(Default)]
/// struct Seen { updates: u32 }
///
/// #[on::update(Pod)]
/// fn update(memo: Memo<Seen>) -> u32 {
///     memo.update(|seen| { seen.updates += 1; seen.updates })
/// }
/// # let memo = Memo::default();
/// # assert_eq!((update(memo.clone()), update(memo)), (1, 2));
/// ```
pub struct Memo<T>(Arc<Mutex<T>>);

impl<T> Memo<T> {
    /// Reads or changes the value. Others wait meanwhile, so do not wait for anything inside.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        // A panic in another handler leaves the value as that handler left it.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy of the value.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.update(|value| value.clone())
    }

    /// Replaces the value, and returns the one before.
    pub fn set(&self, value: T) -> T {
        self.update(|slot| std::mem::replace(slot, value))
    }
}

impl<T: Default> Default for Memo<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.update(|value| f.debug_tuple("Memo").field(value).finish())
    }
}

impl<'a, C: Family, T: Default + Send + 'static> Extract<'a, C> for Memo<T> {
    fn extract(invocation: &'a Arc<Invocation<C>>, _: &Argument) -> Result<Self, ArgError> {
        Ok(Self(invocation.memos.get_or_default::<Mutex<T>>()))
    }
}
