//! Objects, lists and events as bytes, in the shape a client asked for.
//!
//! Called by `http` for answers and by watches for lines. Whole objects are copied from text that was serialised once.

mod age;
pub(crate) mod blank;
mod claims;
mod columns;
mod descriptions;
mod events;
mod jsonpath;
mod nodes;
mod pods;
mod services;
mod table;
mod wide;
mod workloads;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    http::negotiate::Shape,
    object::{Object, to_json},
    registry::{Kind, Origin},
    strategy::view,
    verbs::list::Listed,
};

/// What a row of a table carries besides its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum IncludeObject {
    Nothing,
    #[default]
    Metadata,
    Whole,
}

/// How tables are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) include: IncludeObject,
    pub(crate) names_columns: bool,
    /// The version of `meta.k8s.io` that tables and metadata are written in.
    pub(crate) version: &'static str,
}

impl Rows {
    /// What a row carries of its object.
    fn object(&self, kind: &Kind, value: &Value) -> Value {
        match self.include {
            IncludeObject::Nothing => Value::Null,
            IncludeObject::Metadata => metadata_only(value, self.version),
            IncludeObject::Whole => kind.typed(value),
        }
    }
}

/// One object.
pub(crate) fn object(
    kind: &Kind,
    object: &Object,
    shape: Shape,
    rows: Rows,
    clock: &Clock,
) -> Bytes {
    let mut buffer = BytesMut::new();
    object_into(&mut buffer, kind, object, shape, rows, clock);
    buffer.freeze()
}

pub(crate) fn object_into(
    buffer: &mut BytesMut,
    kind: &Kind,
    object: &Object,
    shape: Shape,
    rows: Rows,
    clock: &Clock,
) {
    match shape {
        Shape::Whole => whole_into(buffer, kind, object),
        Shape::Metadata | Shape::MetadataList => {
            buffer.put(to_json(&metadata_only(&object.value, rows.version)));
        }
        Shape::Table => {
            let value = view::outward(kind, object);
            let version = value["metadata"]["resourceVersion"].clone();
            let table = table::of(
                kind,
                std::iter::once(value),
                &json!({"resourceVersion": version}),
                rows,
                clock,
            );
            buffer.put(to_json(&table));
        }
    }
}

fn whole_into(buffer: &mut BytesMut, kind: &Kind, object: &Object) {
    let json = view::outward_json(kind, object);
    buffer.reserve(kind.prefix.len() + json.len());
    buffer.put(kind.prefix.clone());
    // Stored text is never an empty object: there is always metadata.
    buffer.put(&json[1..]);
}

fn metadata_only(value: &Value, version: &str) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": version, "metadata": value["metadata"]})
}

/// A list.
pub(crate) fn list(kind: &Kind, listed: &Listed, shape: Shape, rows: Rows, clock: &Clock) -> Bytes {
    let mut metadata = json!({"resourceVersion": listed.revision.to_string()});
    if let Some(token) = &listed.token {
        metadata["continue"] = json!(token);
    } else if kind.custom().is_some() && shape == Shape::Whole {
        metadata["continue"] = json!("");
    }
    if let Some(remaining) = listed.remaining {
        metadata["remainingItemCount"] = json!(remaining);
    }
    if shape == Shape::Table {
        let values = listed
            .objects
            .iter()
            .map(|object| view::outward(kind, object));
        return to_json(&table::of(kind, values, &metadata, rows, clock));
    }
    let (list_kind, api_version) = match shape {
        Shape::Whole | Shape::Table => (kind.list_kind.as_str(), kind.api_version.as_str()),
        Shape::Metadata | Shape::MetadataList => ("PartialObjectMetadataList", rows.version),
    };
    let mut buffer = BytesMut::new();
    let head = format!(
        "{{\"kind\":{list_kind:?},\"apiVersion\":{api_version:?},\"metadata\":{metadata},\"items\":["
    );
    buffer.put(head.as_bytes());
    for (index, object) in listed.objects.iter().enumerate() {
        if index > 0 {
            buffer.put_u8(b',');
        }
        match (shape, &kind.origin) {
            // Items of built-in lists do not say their kind.
            (Shape::Whole, Origin::BuiltIn(_)) => buffer.put(view::outward_json(kind, object)),
            (Shape::Whole | Shape::Table, _) => whole_into(&mut buffer, kind, object),
            (Shape::Metadata | Shape::MetadataList, _) => {
                buffer.put(to_json(&metadata_only(&object.value, rows.version)));
            }
        }
    }
    buffer.put(&b"]}"[..]);
    buffer.freeze()
}
