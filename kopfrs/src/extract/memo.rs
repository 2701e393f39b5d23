//! Values kept for one object in memory.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{ArgError, Argument, Extract};
use crate::handler::{Family, Invocation, Memos};

/// A value kept for the object, in memory, as long as the operator and the object live; in
/// activities, for the operator. Begins as the type's default, or as a copy of the operator's, if that is
/// [handed down](Self::hand_down).
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
pub struct Memo<T>(Arc<Kept<T>>);

struct Kept<T> {
    value: Mutex<T>,
    /// Makes the copies that memos of objects begin as.
    copy: OnceLock<fn(&T) -> T>,
}

impl<T> Kept<T> {
    fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            copy: OnceLock::new(),
        }
    }

    fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        // A panic in another handler leaves the value as that handler left it.
        change(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy for an object, if it is handed down.
    fn copied(&self) -> Option<T> {
        let copy = self.copy.get()?;
        Some(self.update(|value| copy(value)))
    }
}

impl<T> Memo<T> {
    /// Reads or changes the value. Others wait meanwhile, so do not wait for anything inside.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        self.0.update(change)
    }

    /// Lets memos of this type begin as copies of this one, those of objects whose handlers take one from now on. In
    /// activities only: what is kept for one object is not handed down. What is shared by all copies goes behind an `Arc`.
    ///
    /// Programs that run an operator inside say the same with
    /// [`OperatorBuilder::memo`](crate::operator::OperatorBuilder::memo).
    ///
    /// # Examples
    /// ```
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kopfrs::prelude::*;
    ///
    /// #[derive(Clone, Debug, Default)]
    /// struct Greeting(String);
    ///
    /// #[on::startup]
    /// fn startup(memo: Memo<Greeting>) {
    ///     memo.set(Greeting("hello".to_owned()));
    ///     memo.hand_down();
    /// }
    ///
    /// #[on::create(Pod)]
    /// fn create(memo: Memo<Greeting>) -> String {
    ///     memo.get().0
    /// }
    /// # let memo = Memo::default();
    /// # startup(memo.clone());
    /// # assert_eq!(create(memo), "hello");
    /// ```
    pub fn hand_down(&self)
    where
        T: Clone,
    {
        // Once is enough.
        let _ = self.0.copy.set(T::clone);
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
        Self(Arc::new(Kept::new(T::default())))
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
        let own = &invocation.memos;
        if let Some(kept) = own.get::<Kept<T>>() {
            return Ok(Self(kept));
        }
        let operator = invocation.environment.memos.get::<Kept<T>>();
        let inherited = operator.and_then(|kept| kept.copied());
        let begin = || Kept::new(inherited.unwrap_or_default());
        Ok(Self(own.get_or_insert_with(begin)))
    }
}

/// Keeps a value for the operator, of which the memos of objects begin as copies.
pub(crate) fn bequeath<T: Clone + Send + 'static>(memos: &Memos, value: T) {
    let memo = Memo(memos.get_or_insert_with(|| Kept::new(value.clone())));
    memo.set(value);
    memo.hand_down();
}
