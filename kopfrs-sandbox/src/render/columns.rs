//! The columns of each kind's table, and their cells.

use serde_json::{Value, json};

use super::{age, claims, events, jsonpath, wide, workloads};
use crate::{
    clock::Clock,
    object::{meta, text},
    registry::{Kind, Origin},
};

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const HOLDER: &str = "holderIdentity contains the identity of the holder of a current lease. If Coordinated Leader Election is used, the holder identity must be equal to the elected LeaseCandidate.metadata.name field.";
const DATA: &str = "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must not overlap with the keys in the BinaryData field, this is enforced during validation process.";

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
    pub(super) fn described(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

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
    NAME.clone_into(&mut column.description);
    column
}

fn age_column(kind: &'static str) -> Column<'static> {
    let mut column = Column::built_in("Age", kind, |value, clock| {
        let age = clock.seconds_since(meta(value, "creationTimestamp"));
        json!(age.map_or_else(|| "<unknown>".to_owned(), age::human))
    });
    AGE.clone_into(&mut column.description);
    column
}

/// The columns of a kind.
pub(super) fn of(kind: &Kind) -> Vec<Column<'_>> {
    if kind.kind == "Event" {
        return events::columns();
    }
    let mut columns = vec![name_column()];
    match &kind.origin {
        Origin::Custom(custom) if custom.columns.is_empty() => columns.push(age_column("date")),
        Origin::Custom(custom) => columns.extend(custom.columns.iter().map(Column::custom)),
        Origin::BuiltIn(_) => columns.extend(built_in(&kind.kind)),
    }
    columns
}

fn count(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

fn service_ports(value: &Value, _: &Clock) -> Value {
    let port = |port: &Value| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        match port["nodePort"].as_i64() {
            Some(node) => format!("{}:{node}/{protocol}", port["port"]),
            None => format!("{}/{protocol}", port["port"]),
        }
    };
    let ports: Vec<String> = value["spec"]["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .map(port)
        .collect();
    json!(if ports.is_empty() {
        "<none>".to_owned()
    } else {
        ports.join(",")
    })
}

pub(super) fn string(name: &'static str, cell: CellOf) -> Column<'static> {
    Column::built_in(name, "string", cell)
}

pub(super) fn integer(name: &'static str, cell: CellOf) -> Column<'static> {
    Column::built_in(name, "integer", cell)
}

/// The columns after the name, by kind.
fn built_in(kind: &str) -> Vec<Column<'static>> {
    match kind {
        "CustomResourceDefinition" | "Role" | "ClusterRole" => {
            vec![Column::built_in("Created At", "date", |value, _| {
                json!(meta(value, "creationTimestamp"))
            })]
        }
        _ => {
            let mut columns = core(kind)
                .or_else(|| workloads::of(kind))
                .unwrap_or_default();
            columns.push(age_column("string"));
            columns.extend(wide::of(kind).iter().map(Column::wide));
            columns
        }
    }
}

fn core(kind: &str) -> Option<Vec<Column<'static>>> {
    Some(match kind {
        "ConfigMap" => {
            let mut data = string("Data", |value, _| {
                json!(count(&value["data"]) + count(&value["binaryData"]))
            });
            DATA.clone_into(&mut data.description);
            vec![data]
        }
        "Secret" => vec![
            string("Type", |value, _| value["type"].clone()),
            integer("Data", |value, _| json!(count(&value["data"]))),
        ],
        "PersistentVolumeClaim" => claims::columns(),
        "RoleBinding" | "ClusterRoleBinding" => vec![string("Role", |value, _| {
            let part = |name: &str| text(value, &["roleRef", name]).unwrap_or_default();
            json!(format!("{}/{}", part("kind"), part("name")))
        })],
        "Namespace" => {
            let status = string("Status", |value, _| value["status"]["phase"].clone());
            vec![status.described("The status of the namespace")]
        }
        "Lease" => {
            let holder = string("Holder", |value, _| {
                json!(text(value, &["spec", "holderIdentity"]).unwrap_or_default())
            });
            vec![holder.described(HOLDER)]
        }
        "Service" => vec![
            string("Type", |value, _| value["spec"]["type"].clone()),
            string("Cluster-IP", |value, _| {
                json!(text(value, &["spec", "clusterIP"]).unwrap_or("<none>"))
            }),
            string("External-IP", |value, _| {
                json!(text(value, &["spec", "externalName"]).unwrap_or("<none>"))
            }),
            string("Port(s)", service_ports),
        ],
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            vec![integer("Webhooks", |value, _| {
                json!(value["webhooks"].as_array().map_or(0, Vec::len))
            })]
        }
        _ => return None,
    })
}
