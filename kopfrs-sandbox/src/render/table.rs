//! `meta.k8s.io/v1` Table: what `kubectl get` prints.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Rows, columns::Column, pods};
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
        .map(|value| row(kind, &columns, (&value, clock), rows))
        .collect();
    with(kind, &made, metadata, rows)
}

/// A table with these rows.
pub(super) fn with(kind: &Kind, made: &[Value], metadata: &Value, rows: Rows) -> Value {
    // Columns that were named before are not named again.
    let named: Option<Vec<Value>> = rows.names_columns.then(|| {
        let columns = super::columns::of(kind);
        columns.iter().map(Column::definition).collect()
    });
    json!({
        "kind": "Table", "apiVersion": rows.version,
        "metadata": metadata, "columnDefinitions": named, "rows": made,
    })
}

fn row(kind: &Kind, columns: &[Column<'_>], (value, clock): (&Value, &Clock), rows: Rows) -> Value {
    let cells: Vec<Value> = columns
        .iter()
        .map(|column| column.cell(value, clock))
        .collect();
    let mut row = json!({"cells": cells, "object": rows.object(kind, value)});
    let is_pod = kind.custom().is_none() && kind.kind == "Pod";
    if let Some(conditions) = pods::conditions(value).filter(|_| is_pod) {
        row["conditions"] = conditions;
    }
    row
}
