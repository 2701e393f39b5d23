//! What functions of indices return, and which arguments are indices: found by the compiler, from types alone.
//!
//! Of several traits with a method of one name, that is taken which needs the fewest references: the most special.

use std::marker::PhantomData;

use crate::handler::{
    ByEntries, ByOption, ByResult, ByResultOption, ByValue, Entries, Found, IntoHandlerError,
};
use crate::index::{Index, IndexKey, IndexShape, IndexUse, IndexValue};

/// Stands for a type.
#[derive(Debug)]
pub struct Type<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T> Type<T> {
    /// That type.
    #[expect(clippy::new_without_default, reason = "it is only made by attributes")]
    pub fn new() -> Self {
        Self(PhantomData)
    }

    /// The type of a value.
    pub fn of(_: &T) -> Self {
        Self(PhantomData)
    }

    /// The type that a function returns. The function is not called.
    pub fn returned(_: impl FnOnce() -> T) -> Self {
        Self(PhantomData)
    }

    /// The type that an async function returns. The function is not called.
    pub fn awaited<F: Future<Output = T>>(_: impl FnOnce() -> F) -> Self {
        Self(PhantomData)
    }
}

/// One way a row: the trait that finds it, from the most special to the most general.
macro_rules! ways {
    ($($finds:ident ($($generics:tt)*) $target:ty, $returned:ty => $way:ident;)*) => {$(
        /// Finds a way into an index.
        pub trait $finds<T> {
            /// The way.
            type Way;

            /// The way.
            fn kopfrs_way(&self) -> Found<T, Self::Way>;
        }

        impl<$($generics)*> $finds<$returned> for $target {
            type Way = $way;

            fn kopfrs_way(&self) -> Found<$returned, $way> {
                Found::new()
            }
        }
    )*};
}

ways! {
    FindsEntries (T: Entries) &&&&Type<T>, T => ByEntries;
    FindsResultOption (V, E: IntoHandlerError) &&&Type<Result<Option<V>, E>>, Result<Option<V>, E> => ByResultOption;
    FindsResult (V, E: IntoHandlerError) &&Type<Result<V, E>>, Result<V, E> => ByResult;
    FindsOption (V) &Type<Option<V>>, Option<V> => ByOption;
    FindsValue (V) Type<V>, V => ByValue;
}

/// Finds out that an argument is an index.
pub trait FindsIndex {
    /// That it is taken.
    fn kopfrs_index(&self, id: &str) -> Option<IndexUse>;
}

impl<K: IndexKey, V: IndexValue> FindsIndex for &Type<Index<K, V>> {
    fn kopfrs_index(&self, id: &str) -> Option<IndexUse> {
        Some(IndexUse::new(id, IndexShape::of::<K, V>()))
    }
}

impl<K: IndexKey, V: IndexValue> FindsIndex for &Type<&Index<K, V>> {
    fn kopfrs_index(&self, id: &str) -> Option<IndexUse> {
        Some(IndexUse::new(id, IndexShape::of::<K, V>()))
    }
}

/// Finds out that an argument is none.
pub trait FindsNoIndex {
    /// Nothing.
    fn kopfrs_index(&self, _id: &str) -> Option<IndexUse> {
        None
    }
}

impl<T: ?Sized> FindsNoIndex for Type<T> {}
