//! Objects of which nothing is known but a version: what bookmarks carry.
//!
//! `blank.txt` has a line for each built-in kind: what its objects show beside their metadata when nothing is set, and
//! the cells of their rows.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::{Rows, columns, metadata_only};
use crate::{
    http::negotiate::Shape,
    registry::{Kind, Origin},
};

#[derive(Debug)]
struct Blank {
    api_version: &'static str,
    kind: &'static str,
    rest: Map<String, Value>,
    cells: Value,
}

impl Blank {
    fn is_of(&self, kind: &Kind) -> bool {
        self.api_version == kind.api_version && self.kind == kind.kind
    }
}

/// A blank object with these metadata, in the shape that is asked for.
pub(crate) fn object(kind: &Kind, metadata: &Value, shape: Shape, rows: Rows) -> Value {
    let mut whole =
        json!({"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata});
    if let Some(blank) = built_in(kind) {
        crate::object::fields_mut(&mut whole).extend(blank.rest.clone());
    }
    match shape {
        Shape::Whole => whole,
        Shape::Metadata | Shape::MetadataList => metadata_only(&whole, rows.version),
        Shape::Table => {
            let row = json!({"cells": cells(kind), "object": rows.object(kind, &whole)});
            let version = json!({"resourceVersion": metadata["resourceVersion"]});
            super::table::with(kind, &[row], &version, rows)
        }
    }
}

fn cells(kind: &Kind) -> Value {
    match (&kind.origin, built_in(kind)) {
        (Origin::BuiltIn(_), Some(blank)) => blank.cells.clone(),
        // A name that is empty, and nothing else.
        _ => {
            let others = columns::of(kind).len().saturating_sub(1);
            std::iter::once(json!(""))
                .chain(vec![Value::Null; others])
                .collect()
        }
    }
}

fn built_in(kind: &Kind) -> Option<&'static Blank> {
    static TABLE: OnceLock<Vec<Blank>> = OnceLock::new();
    let table: &'static Vec<Blank> = TABLE.get_or_init(|| {
        include_str!("blank.txt")
            .lines()
            .filter_map(parsed)
            .collect()
    });
    let is_custom = kind.custom().is_some();
    table
        .iter()
        .find(|blank| blank.is_of(kind))
        .filter(|_| !is_custom)
}

fn parsed(line: &'static str) -> Option<Blank> {
    let mut parts = line.split('\t');
    let (api_version, kind) = (parts.next()?, parts.next()?);
    let mut value = || serde_json::from_str(parts.next()?).ok();
    let Some(Value::Object(rest)) = value() else {
        return None;
    };
    Some(Blank {
        api_version,
        kind,
        rest,
        cells: value()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    #[test]
    fn every_built_in_kind_has_a_cell_for_each_column() {
        let kinds = Registry::new().kinds();
        for kind in kinds
            .resources()
            .filter(|kind| kind.verbs.contains(&"watch"))
        {
            let cells = cells(kind);
            let count = cells.as_array().map_or(0, Vec::len);
            assert_eq!(count, columns::of(kind).len(), "{}", kind.kind);
            assert!(built_in(kind).is_some(), "{}", kind.kind);
        }
    }
}
