//! The columns of each kind's table, and their cells.

use serde_json::{Value, json};

use super::{age, jsonpath, wide};
use crate::{
    clock::Clock,
    object::{meta, text},
    registry::{Kind, Origin},
};

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const DATA: &str = "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must not overlap with the keys in the BinaryData field, this is enforced during validation process.";

type CellOf = fn(&Value, &Clock) -> Value;

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
    fn built_in(name: &'a str, kind: &'a str, cell: CellOf) -> Self {
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

fn name_column() -> Column<'static> {
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

fn ready_containers(value: &Value, _: &Clock) -> Value {
    let total = value["spec"]["containers"].as_array().map_or(0, Vec::len);
    let statuses = value["status"]["containerStatuses"]
        .as_array()
        .into_iter()
        .flatten();
    json!(format!(
        "{}/{total}",
        statuses.filter(|status| status["ready"] == true).count()
    ))
}

fn pod_status(value: &Value, _: &Clock) -> Value {
    if crate::object::is_deleting(value) {
        return json!("Terminating");
    }
    json!(
        text(value, &["status", "reason"])
            .or(text(value, &["status", "phase"]))
            .unwrap_or("Unknown")
    )
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

fn event_object(value: &Value, _: &Clock) -> Value {
    let object = ["involvedObject", "regarding"]
        .into_iter()
        .find_map(|name| value.get(name))
        .unwrap_or(&Value::Null);
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    json!(format!(
        "{kind}/{}",
        object["name"].as_str().unwrap_or_default()
    ))
}

fn event_message(value: &Value, _: &Clock) -> Value {
    json!(
        text(value, &["message"])
            .or(text(value, &["note"]))
            .unwrap_or_default()
            .trim()
    )
}

fn last_seen(value: &Value, clock: &Clock) -> Value {
    let paths: [&[&str]; 4] = [
        &["series", "lastObservedTime"],
        &["lastTimestamp"],
        &["eventTime"],
        &["metadata", "creationTimestamp"],
    ];
    let time = paths
        .into_iter()
        .find_map(|path| text(value, path))
        .unwrap_or_default();
    json!(
        clock
            .seconds_since(time)
            .map_or_else(|| "<unknown>".to_owned(), age::human)
    )
}

fn number(value: &Value, path: &[&str]) -> i64 {
    crate::object::at(value, path)
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

fn ready_of_replicas(value: &Value, _: &Clock) -> Value {
    json!(format!(
        "{}/{}",
        number(value, &["status", "readyReplicas"]),
        number(value, &["spec", "replicas"])
    ))
}

fn job_completions(value: &Value, _: &Clock) -> Value {
    let wanted = value["spec"]["completions"].as_i64().unwrap_or(1);
    json!(format!(
        "{}/{wanted}",
        number(value, &["status", "succeeded"])
    ))
}

fn string(name: &'static str, cell: CellOf) -> Column<'static> {
    Column::built_in(name, "string", cell)
}

fn integer(name: &'static str, cell: CellOf) -> Column<'static> {
    Column::built_in(name, "integer", cell)
}

/// The columns after the name, by kind.
fn built_in(kind: &str) -> Vec<Column<'static>> {
    match kind {
        "Event" => vec![
            string("Last Seen", last_seen),
            string("Type", |value, _| value["type"].clone()),
            string("Reason", |value, _| value["reason"].clone()),
            string("Object", event_object),
            string("Message", event_message),
        ],
        "CustomResourceDefinition" => {
            vec![Column::built_in("Created At", "date", |value, _| {
                json!(meta(value, "creationTimestamp"))
            })]
        }
        _ => {
            let mut columns = core(kind).or_else(|| workload(kind)).unwrap_or_default();
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
        "Namespace" | "PersistentVolumeClaim" => vec![string("Status", |value, _| {
            value["status"]["phase"].clone()
        })],
        "Lease" => {
            vec![string("Holder", |value, _| {
                json!(text(value, &["spec", "holderIdentity"]).unwrap_or_default())
            })]
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

fn workload(kind: &str) -> Option<Vec<Column<'static>>> {
    Some(match kind {
        "Pod" => vec![
            string("Ready", ready_containers),
            string("Status", pod_status),
            integer("Restarts", restarts),
        ],
        "Deployment" => vec![
            string("Ready", ready_of_replicas),
            integer("Up-to-date", |value, _| {
                json!(number(value, &["status", "updatedReplicas"]))
            }),
            integer("Available", |value, _| {
                json!(number(value, &["status", "availableReplicas"]))
            }),
        ],
        "ReplicaSet" => vec![
            integer("Desired", |value, _| {
                json!(number(value, &["spec", "replicas"]))
            }),
            integer("Current", |value, _| {
                json!(number(value, &["status", "replicas"]))
            }),
            integer("Ready", |value, _| {
                json!(number(value, &["status", "readyReplicas"]))
            }),
        ],
        "StatefulSet" => vec![string("Ready", ready_of_replicas)],
        "DaemonSet" => vec![
            integer("Desired", |value, _| {
                json!(number(value, &["status", "desiredNumberScheduled"]))
            }),
            integer("Current", |value, _| {
                json!(number(value, &["status", "currentNumberScheduled"]))
            }),
            integer("Ready", |value, _| {
                json!(number(value, &["status", "numberReady"]))
            }),
        ],
        "Job" => vec![string("Completions", job_completions)],
        "CronJob" => vec![
            string("Schedule", |value, _| value["spec"]["schedule"].clone()),
            string("Suspend", |value, _| {
                json!(if value["spec"]["suspend"] == true {
                    "True"
                } else {
                    "False"
                })
            }),
        ],
        _ => return None,
    })
}

fn restarts(value: &Value, _: &Clock) -> Value {
    let statuses = value["status"]["containerStatuses"]
        .as_array()
        .into_iter()
        .flatten();
    json!(
        statuses
            .filter_map(|status| status["restartCount"].as_i64())
            .sum::<i64>()
    )
}
