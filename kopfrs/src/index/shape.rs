//! The types of an index, as values: what is declared in one place and asked for in another is compared at the start.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::Arc;

use super::{Index, IndexKey, IndexValue};

/// The types of an index.
#[derive(Clone, Copy)]
pub struct IndexShape {
    id: TypeId,
    name: fn() -> String,
    make: fn() -> Arc<dyn AnyIndex>,
}

/// That a handler takes an index as an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexUse {
    /// The id of the index.
    pub id: String,
    /// As what it is taken.
    pub shape: IndexShape,
}

/// An index of whatever types.
pub(super) trait AnyIndex: Send + Sync {
    fn as_any(&self) -> &dyn Any;

    fn shape(&self) -> IndexShape;

    /// Replaces what is there of an object; gives whether the entries were of the types of the index.
    fn replace(&self, uid: &Arc<str>, entries: Box<dyn Any + Send>) -> bool;

    fn discard(&self, uid: &str);
}

impl IndexShape {
    /// The types `Index<K, V>`.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::index::IndexShape;
    ///
    /// let shape = IndexShape::of::<String, Vec<u32>>();
    /// assert_eq!(shape.to_string(), "Index<String, Vec<u32>>");
    /// assert_ne!(shape, IndexShape::of::<String, u32>());
    /// ```
    pub fn of<K: IndexKey, V: IndexValue>() -> Self {
        Self {
            id: TypeId::of::<Index<K, V>>(),
            name: || short(type_name::<Index<K, V>>()),
            make: || Arc::new(Index::<K, V>::default()),
        }
    }

    pub(super) fn make(self) -> Arc<dyn AnyIndex> {
        (self.make)()
    }
}

impl IndexUse {
    /// An index of this id and of these types is taken.
    pub fn new(id: impl Into<String>, shape: IndexShape) -> Self {
        Self {
            id: id.into(),
            shape,
        }
    }
}

impl<K: IndexKey, V: IndexValue> AnyIndex for Index<K, V> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn shape(&self) -> IndexShape {
        IndexShape::of::<K, V>()
    }

    fn replace(&self, uid: &Arc<str>, entries: Box<dyn Any + Send>) -> bool {
        let entries = entries.downcast::<Vec<(K, V)>>();
        entries.is_ok_and(|entries| {
            Self::replace(self, uid, *entries);
            true
        })
    }

    fn discard(&self, uid: &str) {
        Self::discard(self, uid);
    }
}

/// The name of a type without the paths in it.
fn short(name: &str) -> String {
    let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut short = String::new();
    let mut rest = name;
    while let Some(start) = rest.find(is_of_path) {
        short.push_str(&rest[..start]);
        let path = &rest[start..];
        let end = path.find(|c| !is_of_path(c)).unwrap_or(path.len());
        short.push_str(path[..end].rsplit("::").next().unwrap_or_default());
        rest = &path[end..];
    }
    short.push_str(rest);
    short
}

impl PartialEq for IndexShape {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for IndexShape {}

impl fmt::Display for IndexShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&(self.name)())
    }
}

impl fmt::Debug for IndexShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
