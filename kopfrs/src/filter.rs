//! Filters: which objects and which changes a handler is for.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;
use tracing::error;

use crate::cause::{ChangingCause, ObjectCause, Reason};
use crate::object::{Body, FieldPath, equal};

/// Whether something must be there or must not, whatever its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must be there.
    Present,
    /// It must not be there.
    Absent,
}

/// Something must be there, whatever its value.
pub const PRESENT: Presence = Presence::Present;
/// Something must not be there.
pub const ABSENT: Presence = Presence::Absent;

type Check<T> = Arc<dyn Fn(Option<&T>) -> bool + Send + Sync>;

/// What a label, an annotation, or a field must be.
pub enum Criterion<T: ToOwned + ?Sized> {
    /// Equal to this.
    Is(T::Owned),
    /// There, or not there.
    Presence(Presence),
    /// As a function says; it gets `None` for what is absent.
    Check(Check<T>),
}

impl<T: ToOwned + ?Sized> Criterion<T> {
    /// As a function says; it gets `None` for what is absent.
    pub fn check(check: impl Fn(Option<&T>) -> bool + Send + Sync + 'static) -> Self {
        Self::Check(Arc::new(check))
    }

    fn holds(&self, value: Option<&T>, same: impl Fn(&T::Owned, &T) -> bool) -> bool {
        match self {
            Self::Is(expected) => value.is_some_and(|value| same(expected, value)),
            Self::Presence(Presence::Present) => value.is_some(),
            Self::Presence(Presence::Absent) => value.is_none(),
            Self::Check(check) => guarded(|| check(value)),
        }
    }
}

impl Criterion<Value> {
    fn matches(&self, value: Option<&Value>) -> bool {
        self.holds(value, equal)
    }
}

type When<C> = Arc<dyn Fn(&C) -> bool + Send + Sync>;

/// All filters of one handler; an empty one lets everything through.
pub struct Filter<C> {
    /// Labels by key.
    pub labels: Vec<(String, Criterion<str>)>,
    /// Annotations by key.
    pub annotations: Vec<(String, Criterion<str>)>,
    /// The field that the handler is about.
    pub field: Option<FieldPath>,
    /// What the field must be: of changes, before or after.
    pub value: Option<Criterion<Value>>,
    /// What the field must have been before the change.
    pub old: Option<Criterion<Value>>,
    /// What the field must be after the change.
    pub new: Option<Criterion<Value>>,
    /// Any other condition, asked last.
    pub when: Option<When<C>>,
}

impl<C: ObjectCause> Filter<C> {
    /// Labels and annotations, then the field's present value, then the condition.
    pub(crate) fn matches_body(&self, cause: &C) -> bool {
        self.matches_metadata(cause.body())
            && self
                .field
                .as_ref()
                .is_none_or(|field| self.matches_value(&[cause.body().get(field)]))
            && self
                .when
                .as_ref()
                .is_none_or(|when| guarded(|| when(cause)))
    }

    fn matches_metadata(&self, body: &Body) -> bool {
        let holds = |criterion: &Criterion<str>, value| criterion.holds(value, |a, b| a == b);
        self.labels
            .iter()
            .all(|(key, criterion)| holds(criterion, body.label(key)))
            && self
                .annotations
                .iter()
                .all(|(key, c)| holds(c, body.annotation(key)))
    }

    /// Whether any of the field's values is as wanted.
    fn matches_value(&self, values: &[Option<&Value>]) -> bool {
        let present = Criterion::Presence(PRESENT);
        let criterion = self.value.as_ref().unwrap_or(&present);
        values.iter().any(|value| criterion.matches(*value))
    }
}

impl Filter<ChangingCause> {
    /// Whether the handler is interested in the object at all, whatever has changed in it: what
    /// decides on the finalizer, and on whether the object is touched.
    pub(crate) fn prematches(&self, cause: &ChangingCause) -> bool {
        self.matches_metadata(&cause.body)
            && self
                .field
                .as_ref()
                .is_none_or(|field| self.matches_either_value(field, cause))
            && self
                .when
                .as_ref()
                .is_none_or(|when| guarded(|| when(cause)))
    }

    /// Whether the handler is for this change. `needs_change`: its field must differ.
    pub(crate) fn matches(&self, cause: &ChangingCause, needs_change: bool) -> bool {
        self.prematches(cause)
            && self
                .field
                .as_ref()
                .is_none_or(|field| self.matches_change(field, cause, needs_change))
    }

    /// Of a change, either side may be as wanted; of a creation there is only one side.
    fn matches_either_value(&self, field: &FieldPath, cause: &ChangingCause) -> bool {
        let (old, new) = sides(field, cause);
        if cause.reason == Reason::Create {
            self.matches_value(&[new])
        } else {
            self.matches_value(&[new, old])
        }
    }

    fn matches_change(&self, field: &FieldPath, cause: &ChangingCause, needs_change: bool) -> bool {
        let (old, new) = sides(field, cause);
        let differs = match (old, new) {
            (Some(old), Some(new)) => !equal(old, new),
            (old, new) => old.is_some() || new.is_some(),
        };
        (!needs_change || differs)
            && self
                .old
                .as_ref()
                .is_none_or(|criterion| criterion.matches(old))
            && self
                .new
                .as_ref()
                .is_none_or(|criterion| criterion.matches(new))
    }
}

/// Asks a function of the user's. One that panics matches nothing, and harms nobody else.
fn guarded(ask: impl FnOnce() -> bool) -> bool {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| {
        error!("a filter has panicked: its handler is taken for not concerned");
        false
    })
}

fn sides<'a>(
    field: &FieldPath,
    cause: &'a ChangingCause,
) -> (Option<&'a Value>, Option<&'a Value>) {
    let at = |essence: &'a Option<Arc<Value>>| essence.as_deref().and_then(|e| field.get(e));
    (at(&cause.old), at(&cause.new))
}

impl<T: ToOwned + ?Sized> Clone for Criterion<T>
where
    T::Owned: Clone,
{
    fn clone(&self) -> Self {
        match self {
            Self::Is(value) => Self::Is(value.clone()),
            Self::Presence(presence) => Self::Presence(*presence),
            Self::Check(check) => Self::Check(check.clone()),
        }
    }
}

impl<C> Clone for Filter<C> {
    fn clone(&self) -> Self {
        Self {
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            field: self.field.clone(),
            value: self.value.clone(),
            old: self.old.clone(),
            new: self.new.clone(),
            when: self.when.clone(),
        }
    }
}

impl<C> Default for Filter<C> {
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            annotations: Vec::new(),
            field: None,
            value: None,
            old: None,
            new: None,
            when: None,
        }
    }
}

impl<T: ToOwned + ?Sized> fmt::Debug for Criterion<T>
where
    T::Owned: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => value.fmt(f),
            Self::Presence(presence) => presence.fmt(f),
            Self::Check(_) => f.write_str("<function>"),
        }
    }
}

impl<C> fmt::Debug for Filter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("labels", &self.labels)
            .field("annotations", &self.annotations)
            .field("field", &self.field)
            .field("value", &self.value)
            .field("old", &self.old)
            .field("new", &self.new)
            .field("when", &self.when.as_ref().map(|_| "<function>"))
            .finish()
    }
}
