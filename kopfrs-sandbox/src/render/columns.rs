//! The columns of each kind's table, and their cells.

use serde_json::{Value, json};

use super::{age, claims, descriptions, events, jsonpath, nodes, services, wide, workloads};
use crate::{
    clock::Clock,
    object::{meta, text},
    registry::{Kind, Origin},
};

pub(super) type CellOf = fn(&Value, &Clock) -> Value;

/// One column.
pub(super) struct Column<'a> {
    name: &'a str,
    kind: &'a str,
    format: &'a str,
    description: String,
    priority: i64,
    source: Source<'a>,
}

enum Source<'a> {
    BuiltIn(CellOf),
    Wide(fn(&Value) -> String),
    Path(&'a str),
}

impl<'a> Column<'a> {
    /// Shown by `-o wide` only.
    pub(super) fn only_wide(mut self) -> Self {
        self.priority = 1;
        self
    }

    pub(super) fn built_in(name: &'a str, kind: &'a str, cell: CellOf) -> Self {
        let source = Source::BuiltIn(cell);
        Self {
            name,
            kind,
            format: "",
            description: String::new(),
            priority: 0,
            source,
        }
    }

    fn wide(&(name, cell): &wide::Wide) -> Self {
        Self {
            name,
            kind: "string",
            format: "",
            description: String::new(),
            priority: 1,
            source: Source::Wide(cell),
        }
    }

    fn custom(column: &'a Value) -> Self {
        let path = text(column, &["jsonPath"]).unwrap_or_default();
        let described =
            text(column, &["description"]).filter(|description| !description.is_empty());
        let description = described.map_or_else(
            || format!("Custom resource definition column (in JSONPath format): {path}"),
            str::to_owned,
        );
        Self {
            name: text(column, &["name"]).unwrap_or_default(),
            kind: text(column, &["type"]).unwrap_or_default(),
            format: text(column, &["format"]).unwrap_or_default(),
            description,
            priority: column["priority"].as_i64().unwrap_or(0),
            source: Source::Path(path),
        }
    }

    pub(super) fn definition(&self) -> Value {
        json!({
            "name": self.name, "type": self.kind, "format": self.format,
            "description": self.description, "priority": self.priority,
        })
    }

    pub(super) fn cell(&self, value: &Value, clock: &Clock) -> Value {
        match self.source {
            Source::BuiltIn(cell) => cell(value, clock),
            Source::Wide(cell) => json!(cell(value)),
            Source::Path(path) => self.custom_cell(jsonpath::first(value, path), clock),
        }
    }

    /// A value of the wrong type shows as nothing, except that everything can be text.
    fn custom_cell(&self, found: Option<&Value>, clock: &Clock) -> Value {
        match (self.kind, found) {
            (_, None | Some(Value::Null)) => Value::Null,
            ("string", Some(Value::String(text))) => json!(text),
            ("string", Some(other)) => json!(other.to_string()),
            ("integer", Some(value)) if value.is_i64() => value.clone(),
            ("number", Some(value)) if value.is_number() => value.clone(),
            ("boolean", Some(value)) if value.is_boolean() => value.clone(),
            ("date", Some(Value::String(time))) => {
                json!(
                    clock
                        .seconds_since(time)
                        .map_or_else(|| "<invalid>".to_owned(), age::human)
                )
            }
            _ => Value::Null,
        }
    }
}

pub(super) fn name_column() -> Column<'static> {
    let mut column = Column::built_in("Name", "string", |value, _| json!(meta(value, "name")));
    column.format = "name";
    column
}

fn age_column(kind: &'static str) -> Column<'static> {
    Column::built_in("Age", kind, |value, clock| {
        let age = clock.seconds_since(meta(value, "creationTimestamp"));
        json!(age.map_or_else(|| "<unknown>".to_owned(), age::human))
    })
}

/// The columns of a kind.
pub(super) fn of(kind: &Kind) -> Vec<Column<'_>> {
    let mut columns = match &kind.origin {
        Origin::Custom(custom) if custom.columns.is_empty() => {
            vec![name_column(), age_column("date")]
        }
        Origin::Custom(custom) => {
            let own = custom.columns.iter().map(Column::custom);
            std::iter::once(name_column()).chain(own).collect()
        }
        Origin::BuiltIn(_) => built_in(&kind.kind),
    };
    for column in &mut columns {
        if column.description.is_empty() {
            descriptions::of(&kind.kind, column.name).clone_into(&mut column.description);
        }
    }
    columns
}

fn count(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

pub(super) fn string(name: &'static str, cell: CellOf) -> Column<'static> {
    Column::built_in(name, "string", cell)
}

pub(super) fn integer(name: &'static str, cell: CellOf) -> Column<'static> {
    Column::built_in(name, "integer", cell)
}

/// The columns of a built-in kind.
fn built_in(kind: &str) -> Vec<Column<'static>> {
    if kind == "Event" {
        return events::columns();
    }
    let mut columns = vec![name_column()];
    if matches!(kind, "CustomResourceDefinition" | "Role" | "ClusterRole") {
        columns.push(Column::built_in("Created At", "date", |value, _| {
            json!(meta(value, "creationTimestamp"))
        }));
        return columns;
    }
    columns.extend(
        core(kind)
            .or_else(|| workloads::of(kind))
            .unwrap_or_default(),
    );
    columns.push(age_column("string"));
    if kind == "Node" {
        columns.extend(nodes::late_columns());
    }
    columns.extend(wide::of(kind).iter().map(Column::wide));
    columns
}

fn core(kind: &str) -> Option<Vec<Column<'static>>> {
    Some(match kind {
        "ConfigMap" => vec![string("Data", |value, _| {
            json!(count(&value["data"]) + count(&value["binaryData"]))
        })],
        "Secret" => vec![
            string("Type", |value, _| value["type"].clone()),
            string("Data", |value, _| json!(count(&value["data"]))),
        ],
        "PersistentVolumeClaim" => claims::columns(),
        "RoleBinding" | "ClusterRoleBinding" => vec![string("Role", |value, _| {
            let part = |name: &str| text(value, &["roleRef", name]).unwrap_or_default();
            json!(format!("{}/{}", part("kind"), part("name")))
        })],
        "Namespace" => vec![string("Status", |value, _| {
            value["status"]["phase"].clone()
        })],
        "Node" => nodes::columns(),
        "Lease" => vec![string("Holder", |value, _| {
            json!(text(value, &["spec", "holderIdentity"]).unwrap_or_default())
        })],
        "Service" => services::columns(),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            vec![integer("Webhooks", |value, _| {
                json!(value["webhooks"].as_array().map_or(0, Vec::len))
            })]
        }
        _ => return None,
    })
}
