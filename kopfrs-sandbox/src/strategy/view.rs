//! The same stored object in another version's shape.
//!
//! Custom resources are pruned and defaulted by the schema of the version they are read in, unless a webhook converts
//! them: that is asked beforehand, by `conversion`. Events have two groups with different field names. Called when
//! objects are read and, the other way, before they are written.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    object::{Form, Object, fields_mut, to_json},
    registry::{
        Kind, Origin,
        types::{self, Struct},
    },
    schema,
};

/// core/v1 and events.k8s.io/v1 names of the same fields.
const EVENT_NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

fn is_event_v1(kind: &Kind) -> bool {
    kind.kind == "Event" && kind.group == "events.k8s.io"
}

/// The type of what is stored.
pub(crate) fn stored_fields(kind: &Kind) -> Option<&'static Struct> {
    if is_event_v1(kind) {
        types::of("v1", "Event")
    } else {
        kind.fields
    }
}

/// The object as this kind's version shows it, without `apiVersion` and `kind`.
pub(crate) fn outward<'a>(kind: &Kind, object: &'a Object) -> Cow<'a, Value> {
    match &kind.origin {
        Origin::Custom(custom) if object.form == custom.form() => Cow::Borrowed(&object.value),
        Origin::Custom(custom) => {
            let mut value = object.value.clone();
            schema::prune(&mut value, &custom.schema);
            schema::apply_defaults(&mut value, &custom.schema);
            Cow::Owned(value)
        }
        Origin::BuiltIn(_) if is_event_v1(kind) => {
            let mut value = object.value.clone();
            rename(&mut value, |(core, v1)| (core, v1));
            Cow::Owned(value)
        }
        Origin::BuiltIn(_) => Cow::Borrowed(&object.value),
    }
}

/// A written object as its version shows it, `apiVersion` and `kind` included.
pub(crate) fn shown(kind: &Kind, value: &Value) -> Value {
    if kind.custom().is_none() && !is_event_v1(kind) {
        return kind.typed(value);
    }
    kind.typed(&outward(
        kind,
        &Object::new(0, Form::default(), value.clone()),
    ))
}

/// The same as JSON text; shared when the stored text can be used.
pub(crate) fn outward_json(kind: &Kind, object: &Object) -> Bytes {
    match outward(kind, object) {
        Cow::Borrowed(_) => object.json().clone(),
        Cow::Owned(value) => to_json(&value),
    }
}

/// A written object in the shape that is stored.
pub(crate) fn inward(kind: &Kind, value: &mut Value) {
    if is_event_v1(kind) {
        rename(value, |(core, v1)| (v1, core));
    }
}

fn rename(
    value: &mut Value,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    let fields = fields_mut(value);
    for pair in EVENT_NAMES {
        let (from, to) = direction(pair);
        if let Some(moved) = fields.remove(from) {
            fields.insert(to.to_owned(), moved);
        }
    }
}
