//! Values in other versions of their kind: fields are owned in the version that their manager speaks.
//!
//! The books are kept by pure functions, and a webhook may have to be asked for conversions. So what is not known yet is
//! told to the caller, who finds it out and calls again.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    fields::FieldSet,
    shape::Shape,
    walk::{self, Changes},
};
use crate::{error::ApiError, registry::Kind};

/// The conversions that are known.
#[derive(Debug, Default)]
pub(crate) struct Versions(Vec<(Wanted, Value)>);

/// A conversion that has to be known.
#[derive(Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) value: Value,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// Why something could not be applied, or not yet.
#[derive(Debug)]
pub(crate) enum Halt {
    Wanted(Box<Wanted>),
    Refused(ApiError),
}

impl From<ApiError> for Halt {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<Wanted> for Halt {
    fn from(wanted: Wanted) -> Self {
        Self::Wanted(Box::new(wanted))
    }
}

impl Versions {
    /// Notes what came of a conversion.
    pub(crate) fn learn(&mut self, wanted: Wanted, made: Value) {
        self.0.push((wanted, made));
    }

    pub(super) fn convert(&self, value: &Value, from: &str, to: &str) -> Result<Value, Wanted> {
        let is_it = |known: &Wanted| known.from == from && known.to == to && known.value == *value;
        match self.0.iter().find(|(known, _)| is_it(known)) {
            Some((_, made)) => Ok(made.clone()),
            None => Err(Wanted {
                value: value.clone(),
                from: from.to_owned(),
                to: to.to_owned(),
            }),
        }
    }
}

/// Where fields are owned, as seen from the version that is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Here,
    /// In another version, whose values are put together like this.
    There(&'a str, Shape<'a>),
    /// In a version that the definition has no more.
    Nowhere,
}

impl<'a> Place<'a> {
    pub(super) fn of(kind: &'a Kind, api_version: &'a str) -> Self {
        let Some(custom) = kind.custom().filter(|_| api_version != kind.api_version) else {
            return Self::Here;
        };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        match custom.versions.schemas.get(version) {
            Some(schema) if group == kind.group => Self::There(version, Shape::CustomRoot(schema)),
            Some(_) | None => Self::Nowhere,
        }
    }
}

/// The states before and after a write, compared in whatever version somebody owns fields in.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    kind: &'a Kind,
    states: (&'a Value, &'a Value),
    versions: &'a Versions,
    /// In the version that is written.
    pub(super) here: Difference,
}

/// What a write has done to fields.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub(super) changes: Changes,
    /// The fields that it has added or changed.
    pub(super) written: FieldSet,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
        kind: &'a Kind,
        states: (&'a Value, &'a Value),
        versions: &'a Versions,
    ) -> Self {
        Self {
            kind,
            states,
            versions,
            here: Difference::new(walk::compare(states.0, states.1, Shape::of(kind))),
        }
    }

    /// In any version; `None` when that is no more.
    pub(super) fn seen_in(&self, api_version: &str) -> Result<Option<Cow<'_, Difference>>, Wanted> {
        let (old, new) = self.states;
        match Place::of(self.kind, api_version) {
            Place::Here => Ok(Some(Cow::Borrowed(&self.here))),
            Place::Nowhere => Ok(None),
            Place::There(version, shape) => {
                let there = |value| self.versions.convert(value, &self.kind.version, version);
                let changes = walk::compare(&there(old)?, &there(new)?, shape);
                Ok(Some(Cow::Owned(Difference::new(changes))))
            }
        }
    }
}

impl Difference {
    fn new(changes: Changes) -> Self {
        Self {
            written: changes.added.union(&changes.modified),
            changes,
        }
    }
}
