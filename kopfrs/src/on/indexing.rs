//! `on::index`.

use super::builder::{Builder, Filtered, Kind, ObjectKind, Retried};
use crate::cause::IndexingCause;
use crate::handler::{IndexingRule, returns};
use crate::index::{IndexKey, IndexShape, IndexValue};
use crate::resource::Selector;

/// Called with every event of an object before anybody else: what it returns is kept in the index of its id, for
/// all handlers to look up.
#[derive(Debug)]
pub enum Index {}

impl Kind for Index {
    type Cause = IndexingCause;
    type Returns = returns::Indexed;

    const NAMES_FIELD: bool = false;

    fn learn(rule: &mut IndexingRule, shape: Option<IndexShape>) {
        rule.shape = shape.or(rule.shape);
    }
}

impl Retried for Index {}
impl Filtered for Index {}

/// Called with every event of an object before anybody else: what it returns is kept in the index of its id, for
/// all handlers to look up.
#[track_caller]
pub fn index<K: ObjectKind>() -> Builder<Index> {
    index_of(Selector::of::<K>())
}

/// The same for kinds that are named, not typed.
#[track_caller]
pub fn index_of(selector: Selector) -> Builder<Index> {
    Builder::begin(Some(selector), IndexingRule::default())
}

impl Builder<Index> {
    /// Says of which types the index is, if the function does not say so.
    pub fn of<K: IndexKey, V: IndexValue>(self) -> Self {
        self.shaped(IndexShape::of::<K, V>())
    }

    /// The same with types that are known as a value.
    #[doc(hidden)]
    pub fn shaped(mut self, shape: IndexShape) -> Self {
        self.rule.shape = Some(shape);
        self
    }
}
