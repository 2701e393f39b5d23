//! `meta.k8s.io/v1` Table: what `kubectl get` prints.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{IncludeObject, Rows, columns::Column, metadata_only};
use crate::{clock::Clock, registry::Kind};

/// A table of objects.
pub(super) fn of<'a>(
    kind: &Kind,
    values: impl Iterator<Item = Cow<'a, Value>>,
    metadata: &Value,
    rows: Rows,
    clock: &Clock,
) -> Value {
    let columns = super::columns::of(kind);
    let made: Vec<Value> = values
        .map(|value| row(kind, &columns, &value, rows.include, clock))
        .collect();
    // Columns that were named before are not named again.
    let named: Option<Vec<Value>> = rows
        .names_columns
        .then(|| columns.iter().map(Column::definition).collect());
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata, "columnDefinitions": named, "rows": made,
    })
}

fn row(
    kind: &Kind,
    columns: &[Column<'_>],
    value: &Value,
    include: IncludeObject,
    clock: &Clock,
) -> Value {
    let cells: Vec<Value> = columns
        .iter()
        .map(|column| column.cell(value, clock))
        .collect();
    let object = match include {
        IncludeObject::Nothing => Value::Null,
        IncludeObject::Metadata => metadata_only(value),
        IncludeObject::Whole => kind.typed(value),
    };
    json!({"cells": cells, "object": object})
}
