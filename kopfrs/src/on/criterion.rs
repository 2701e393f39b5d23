//! What can be a criterion of a label, an annotation, or a field.

use serde_json::Value;

use crate::filter::{Criterion, Presence};

/// A value, `PRESENT`, `ABSENT`, a function, or a ready [`Criterion`].
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a criterion here",
    label = "not a criterion",
    note = "labels and annotations: a text, `PRESENT`, `ABSENT`, or `fn(Option<&str>) -> bool`",
    note = "fields: anything that is `Into<serde_json::Value>`, `PRESENT`, `ABSENT`, or `fn(Option<&Value>) -> bool`"
)]
pub trait IntoCriterion<T: ToOwned + ?Sized, M> {
    /// The criterion.
    fn into_criterion(self) -> Criterion<T>;
}

/// How a criterion was understood; found by the compiler.
pub mod via {
    /// A value to be equal to.
    #[derive(Debug)]
    pub enum Value {}
    /// A function.
    #[derive(Debug)]
    pub enum Function {}
    /// `PRESENT` or `ABSENT`.
    #[derive(Debug)]
    pub enum Presence {}
    /// A ready criterion.
    #[derive(Debug)]
    pub enum Criterion {}
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned + ?Sized> IntoCriterion<T, via::Criterion> for Criterion<T> {
    fn into_criterion(self) -> Criterion<T> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned + ?Sized> IntoCriterion<T, via::Presence> for Presence {
    fn into_criterion(self) -> Criterion<T> {
        Criterion::Presence(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T, F> IntoCriterion<T, via::Function> for F
where
    T: ToOwned + ?Sized,
    F: Fn(Option<&T>) -> bool + Send + Sync + 'static,
{
    fn into_criterion(self) -> Criterion<T> {
        Criterion::check(self)
    }
}

#[diagnostic::do_not_recommend]
impl<S: Into<String>> IntoCriterion<str, via::Value> for S {
    fn into_criterion(self) -> Criterion<str> {
        Criterion::Is(self.into())
    }
}

#[diagnostic::do_not_recommend]
impl<V: Into<Value>> IntoCriterion<Value, via::Value> for V {
    fn into_criterion(self) -> Criterion<Value> {
        Criterion::Is(self.into())
    }
}
