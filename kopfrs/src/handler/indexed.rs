//! What functions of indices return: mappings of keys to values, or one value without a key.
//!
//! Under an attribute, the compiler finds out which of both a type is (`__private`); given to `run`, it has to be a
//! mapping or one of a few plain types. Either way the types of the index are known before anything is called.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::marker::PhantomData;

use serde_json::Value;

use super::outcome::{Output, returns};
use super::{HandlerError, IntoHandlerError, Outcome};
use crate::index::{IndexKey, IndexShape, IndexValue};

/// What an index is to hold of an object: values by keys.
///
/// Maps and lists of pairs are the same; this is for what is neither.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kopfrs::prelude::*;
///
/// /// Each pod by its name, and again by its address.
/// #[on::index(Pod)]
/// fn pods(name: &str, status: Value) -> Indexed<String, Value> {
///     let indexed = Indexed::new().entry(name.to_owned(), status.clone());
///     match status["podIP"].as_str() {
///         Some(address) => indexed.entry(address.to_owned(), status.clone()),
///         None => indexed,
///     }
/// }
/// # assert_eq!(pods("a", json!({"podIP": "10.0.0.1"})).len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed<K, V>(Vec<(K, V)>);

impl<K, V> Indexed<K, V> {
    /// Nothing yet: the index holds nothing of the object.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a value under a key, which may have others.
    #[must_use]
    pub fn entry(mut self, key: K, value: V) -> Self {
        self.0.push((key, value));
        self
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Indexed<(), V> {
    /// A value without a key: that of the index is `()`.
    pub fn value(value: V) -> Self {
        Self::new().entry((), value)
    }
}

impl<K, V> Default for Indexed<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> FromIterator<(K, V)> for Indexed<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// Keys with their values, or that everything is to stay as it is, or an error.
type News<K, V> = Result<Option<Vec<(K, V)>>, HandlerError>;

/// Values by keys in any form, or the lack of news, or an error.
pub trait Entries {
    /// The keys.
    type Key: IndexKey;
    /// The values.
    type Value: IndexValue;

    /// All of them; `None` where everything is to stay as it is.
    ///
    /// # Errors
    /// If it is an error.
    fn entries(self) -> News<Self::Key, Self::Value>;
}

macro_rules! entries {
    ($(($($generics:tt)*) $type:ty: $key:ty, $value:ty, |$it:ident| $pairs:expr;)*) => {$(
        impl<$($generics)*> Entries for $type {
            type Key = $key;
            type Value = $value;

            fn entries(self) -> News<$key, $value> {
                let $it = self;
                Ok(Some($pairs))
            }
        }
    )*};
}

entries! {
    (K: IndexKey, V: IndexValue) Indexed<K, V>: K, V, |it| it.0;
    (K: IndexKey, V: IndexValue, S: BuildHasher) HashMap<K, V, S>: K, V, |it| it.into_iter().collect();
    (K: IndexKey, V: IndexValue) BTreeMap<K, V>: K, V, |it| it.into_iter().collect();
    (K: IndexKey, V: IndexValue) Vec<(K, V)>: K, V, |it| it;
    (K: IndexKey, V: IndexValue, const N: usize) [(K, V); N]: K, V, |it| it.into();
    () serde_json::Map<String, Value>: String, Value, |it| it.into_iter().collect();
}

impl<T: Entries> Entries for Option<T> {
    type Key = T::Key;
    type Value = T::Value;

    fn entries(self) -> News<T::Key, T::Value> {
        self.map_or(Ok(None), T::entries)
    }
}

impl<T: Entries, E: IntoHandlerError> Entries for Result<T, E> {
    type Key = T::Key;
    type Value = T::Value;

    fn entries(self) -> News<T::Key, T::Value> {
        self.map_err(IntoHandlerError::into_handler_error)?
            .entries()
    }
}

/// How what a function returns goes into an index. Written by attributes only.
pub trait Way<T> {
    /// The keys of the index.
    type Key: IndexKey;
    /// The values of the index.
    type Value: IndexValue;

    /// What goes in; `None` where everything is to stay as it is.
    ///
    /// # Errors
    /// If it is an error.
    fn entries(returned: T) -> News<Self::Key, Self::Value>;
}

/// As values by keys.
#[derive(Debug)]
pub enum ByEntries {}

/// As one value without a key.
#[derive(Debug)]
pub enum ByValue {}

/// The same, if there is one.
#[derive(Debug)]
pub enum ByOption {}

/// The same, if it is no error.
#[derive(Debug)]
pub enum ByResult {}

/// The same, if it is no error and there is one.
#[derive(Debug)]
pub enum ByResultOption {}

impl<T: Entries> Way<T> for ByEntries {
    type Key = T::Key;
    type Value = T::Value;

    fn entries(returned: T) -> News<T::Key, T::Value> {
        returned.entries()
    }
}

macro_rules! ways {
    ($(($($generics:tt)*) $way:ty, $type:ty => |$it:ident| $value:expr;)*) => {$(
        impl<V: IndexValue, $($generics)*> Way<$type> for $way {
            type Key = ();
            type Value = V;

            fn entries($it: $type) -> Result<Option<Vec<((), V)>>, HandlerError> {
                Indexed::from_option($value).entries()
            }
        }
    )*};
}

ways! {
    () ByValue, V => |it| Some(it);
    () ByOption, Option<V> => |it| it;
    (E: IntoHandlerError) ByResult, Result<V, E> =>
        |it| Some(it.map_err(IntoHandlerError::into_handler_error)?);
    (E: IntoHandlerError) ByResultOption, Result<Option<V>, E> =>
        |it| it.map_err(IntoHandlerError::into_handler_error)?;
}

impl<V> Indexed<(), V> {
    fn from_option(value: Option<V>) -> Option<Self> {
        value.map(Self::value)
    }
}

/// The way that was found for a type.
#[derive(Debug)]
pub struct Found<T, W>(PhantomData<fn() -> (T, W)>);

impl<T, W> Found<T, W> {
    /// This is the way.
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }

    /// The types of the index.
    pub fn shape(&self) -> IndexShape
    where
        W: Way<T>,
    {
        IndexShape::of::<W::Key, W::Value>()
    }

    /// What goes into the index.
    ///
    /// # Errors
    /// If it is an error.
    pub fn outcome(&self, returned: T) -> Result<Outcome, HandlerError>
    where
        W: Way<T>,
    {
        Ok(outcome(W::entries(returned)?))
    }
}

/// What goes into the index; nothing where everything is to stay as it is.
fn outcome<K: IndexKey, V: IndexValue>(entries: Option<Vec<(K, V)>>) -> Outcome {
    entries.map_or_else(Outcome::none, Outcome::product)
}

macro_rules! outputs {
    ($(($($generics:tt)*) $type:ty;)*) => {$(
        impl<$($generics)*> Output<returns::Indexed> for $type {
            fn into_outcome(self) -> Result<Outcome, HandlerError> {
                Ok(outcome(self.entries()?))
            }

            fn shape() -> Option<IndexShape> {
                Some(IndexShape::of::<<Self as Entries>::Key, <Self as Entries>::Value>())
            }
        }
    )*};
}

outputs! {
    (K: IndexKey, V: IndexValue) Indexed<K, V>;
    (K: IndexKey, V: IndexValue, S: BuildHasher) HashMap<K, V, S>;
    (K: IndexKey, V: IndexValue) BTreeMap<K, V>;
    (K: IndexKey, V: IndexValue) Vec<(K, V)>;
    (K: IndexKey, V: IndexValue, const N: usize) [(K, V); N];
    () serde_json::Map<String, Value>;
}

macro_rules! plain_outputs {
    ($($type:ty),*) => {$(
        impl Output<returns::Indexed> for $type {
            fn into_outcome(self) -> Result<Outcome, HandlerError> {
                Ok(outcome(ByValue::entries(self)?))
            }

            fn shape() -> Option<IndexShape> {
                Some(IndexShape::of::<(), Self>())
            }
        }
    )*};
}

plain_outputs!(
    Value,
    String,
    &'static str,
    bool,
    i8,
    i16,
    i32,
    i64,
    isize,
    u8,
    u16,
    u32,
    u64,
    usize,
    f32,
    f64
);
