//! The schemas of built-in kinds: every field with its type, from the table that protobuf is read by.
//!
//! There are no descriptions of single fields: those are Kubernetes' own texts.

use std::{collections::BTreeSet, sync::OnceLock};

use serde_json::{Map, Value, json};

use super::{Kind, OBJECT_META, reference};
use crate::{
    object::Fields,
    protobuf::message::{FieldType, Many, Message, Messages, Type},
};

/// The messages that are never sent in protobuf, in the same form.
const DEFINITIONS: &str = include_str!("definitions.txt");

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const FIELDS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";

/// Words of names that Kubernetes writes in capitals.
const CAPITALS: [(&str, &str); 15] = [
    ("Aws", "AWS"),
    ("ClientIp", "ClientIP"),
    ("Dns", "DNS"),
    ("Fc", "FC"),
    ("Gce", "GCE"),
    ("Grpc", "GRPC"),
    ("HostIp", "HostIP"),
    ("Http", "HTTP"),
    ("Iscsi", "ISCSI"),
    ("Nfs", "NFS"),
    ("PodIp", "PodIP"),
    ("PodOs", "PodOS"),
    ("Rbd", "RBD"),
    ("SeLinux", "SELinux"),
    ("Tcp", "TCP"),
];

fn tables() -> [&'static Messages; 2] {
    static OWN: OnceLock<Messages> = OnceLock::new();
    [
        Messages::all(),
        OWN.get_or_init(|| Messages::parse(DEFINITIONS)),
    ]
}

fn message(name: &str) -> Option<&'static Message> {
    tables().into_iter().find_map(|table| table.get(name))
}

/// The members of a kind, with what they refer to put among the schemas; `None` for kinds without a table.
pub(super) fn properties(kind: &Kind, schemas: &mut Fields) -> Option<Fields> {
    let group = match kind.group.split_once('.') {
        _ if kind.group.is_empty() => "core",
        Some((first, _)) => first,
        None => &kind.group,
    };
    let message = message(&format!("{group}.{}", kind.kind))?;
    let mut properties = Map::new();
    let mut used = BTreeSet::new();
    members(message, &mut properties, &mut used);
    add(used, schemas);
    Some(properties)
}

/// Puts messages among the schemas, with all that they refer to.
pub(super) fn add(mut missing: BTreeSet<&'static str>, schemas: &mut Fields) {
    while let Some(name) = missing.pop_first() {
        let full = schema_name(name);
        if schemas.contains_key(&full) {
            continue;
        }
        let mut properties = Map::new();
        if let Some(message) = message(name) {
            members(message, &mut properties, &mut missing);
        }
        schemas.insert(full, json!({"type": "object", "properties": properties}));
    }
    for (name, schema) in [
        (
            QUANTITY,
            json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        ),
        (
            INT_OR_STRING,
            json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
        ),
        (FIELDS, json!({"type": "object"})),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
}

fn members(message: &Message, properties: &mut Fields, used: &mut BTreeSet<&'static str>) {
    for field in message.values() {
        match (field.name, field.of) {
            // What is embedded belongs to the message itself.
            ("<", Type::Message(embedded)) => {
                if let Some(embedded) = self::message(embedded) {
                    members(embedded, properties, used);
                }
            }
            (name, _) => drop(properties.insert(name.to_owned(), schema(field, used))),
        }
    }
}

fn schema(field: &FieldType, used: &mut BTreeSet<&'static str>) -> Value {
    let one = match field.of {
        Type::Text => json!({"type": "string"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::Integer => json!({"type": "integer"}),
        Type::Double => json!({"type": "number"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Time | Type::MicroTime => json!({"type": "string", "format": "date-time"}),
        Type::Quantity => reference(QUANTITY),
        Type::IntOrString => reference(INT_OR_STRING),
        Type::Fields => reference(FIELDS),
        Type::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Type::Raw => json!({"type": "object"}),
        Type::Message("meta.ObjectMeta") => json!({"allOf": [reference(OBJECT_META)]}),
        Type::Message(name) => {
            used.insert(name);
            json!({"allOf": [reference(&schema_name(name))]})
        }
    };
    match field.many {
        Many::One => one,
        Many::List => json!({"type": "array", "items": one}),
        Many::Map => json!({"type": "object", "additionalProperties": one}),
    }
}

/// The name of a message as Kubernetes has it: `core.HttpGetAction` is `io.k8s.api.core.v1.HTTPGetAction`.
fn schema_name(message: &str) -> String {
    let (group, name) = message.split_once('.').unwrap_or(("core", message));
    let capitals = CAPITALS.iter().find_map(|(word, capitals)| {
        let rest = name.strip_prefix(word)?;
        // `Fc` is none in `Fcntl`.
        let ends = rest.is_empty() || rest.starts_with(char::is_uppercase);
        ends.then(|| format!("{capitals}{rest}"))
    });
    let name = match capitals {
        Some(name) => name,
        None => name
            .replace("PodDns", "PodDNS")
            .replace("ScaleIo", "ScaleIO")
            .replace("StorageOs", "StorageOS"),
    };
    format!("{}.v1.{name}", package(group))
}

/// Where Kubernetes has the types of a group, by its first word.
pub(super) fn package(group: &str) -> String {
    match group {
        "meta" => "io.k8s.apimachinery.pkg.apis.meta".to_owned(),
        "apiextensions" => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions".to_owned(),
        "" => "io.k8s.api.core".to_owned(),
        group => format!("io.k8s.api.{group}"),
    }
}
