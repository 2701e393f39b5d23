//! From bytes to JSON, by the table.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    ProtobufError,
    message::{FieldType, Many, Message, Messages, Type},
    special,
    wire::{Field, Reader},
};
use crate::object::Fields;

/// Members that are sent only when they were set, and so mean what they say even if that is zero, false or empty. All
/// others are always sent, and left out where JSON leaves them out.
const OPTIONAL: &[&str] = &[
    "activeDeadlineSeconds",
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "backoffLimit",
    "blockOwnerDeletion",
    "completions",
    "controller",
    "deletionGracePeriodSeconds",
    "emptyDir",
    "enableServiceLinks",
    "failedJobsHistoryLimit",
    "gracePeriodSeconds",
    "immutable",
    "leaseDurationSeconds",
    "leaseTransitions",
    "namespaceSelector",
    "objectSelector",
    "optional",
    "parallelism",
    "partition",
    "privileged",
    "readOnlyRootFilesystem",
    "replicas",
    "resourceAttributes",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "selector",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "startingDeadlineSeconds",
    "successfulJobsHistoryLimit",
    "suspend",
    "terminationGracePeriodSeconds",
    "tolerationSeconds",
    "ttlSecondsAfterFinished",
];

/// Messages in one another at most: as many as there may be objects in JSON.
const DEPTH: usize = 100;

/// The table, and how many messages this one is in.
#[derive(Clone, Copy)]
struct Scope<'a> {
    messages: &'a Messages,
    depth: usize,
}

impl Scope<'_> {
    fn deeper(self) -> Result<Self, ProtobufError> {
        if self.depth >= DEPTH {
            return Err(ProtobufError::TooDeep);
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

pub(super) fn message(
    messages: &Messages,
    message: &Message,
    bytes: &[u8],
) -> Result<Fields, ProtobufError> {
    fields(Scope { messages, depth: 0 }, message, bytes)
}

fn fields(scope: Scope<'_>, message: &Message, bytes: &[u8]) -> Result<Fields, ProtobufError> {
    let mut object = Fields::new();
    let mut reader = Reader::new(bytes);
    while let Some((number, field)) = reader.next_field()? {
        // Fields from newer versions are left out, as JSON decoders do.
        let Some(known) = message.get(&number) else {
            continue;
        };
        put(scope, known, &mut object, field)?;
    }
    Ok(object)
}

fn put(
    scope: Scope<'_>,
    known: &FieldType,
    object: &mut Fields,
    field: Field<'_>,
) -> Result<(), ProtobufError> {
    let name = known.name;
    match known.many {
        Many::One if name == "<" => {
            if let Value::Object(inner) = value(scope, known.of, field)? {
                object.extend(inner);
            }
        }
        Many::One => {
            let value = value(scope, known.of, field)?;
            if OPTIONAL.contains(&name) || !is_empty(&value) {
                object.insert(name.to_owned(), value);
            }
        }
        Many::List => {
            let value = value(scope, known.of, field)?;
            let list = object.entry(name).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(value);
            }
        }
        Many::Map => {
            let (key, value) = entry(scope, known.of, field)?;
            let map = object.entry(name).or_insert_with(|| json!({}));
            if let Value::Object(map) = map {
                map.insert(key, value);
            }
        }
    }
    Ok(())
}

/// An entry of a map: a message of a key and a value.
fn entry(scope: Scope<'_>, of: Type, field: Field<'_>) -> Result<(String, Value), ProtobufError> {
    let mut key = String::new();
    // What is not sent is the empty value of the type.
    let mut found = match of {
        Type::Text | Type::Bytes => json!(""),
        _ => Value::Null,
    };
    let mut reader = Reader::new(field.bytes()?);
    while let Some((number, field)) = reader.next_field()? {
        match number {
            1 => key = String::from_utf8_lossy(field.bytes()?).into_owned(),
            2 => found = value(scope, of, field)?,
            _ => {}
        }
    }
    Ok((key, found))
}

fn value(scope: Scope<'_>, of: Type, field: Field<'_>) -> Result<Value, ProtobufError> {
    Ok(match of {
        Type::Text => Value::from(String::from_utf8_lossy(field.bytes()?).into_owned()),
        Type::Boolean => Value::from(field.number()? != 0),
        Type::Integer => Value::from(field.number()?.cast_signed()),
        Type::Double => json!(f64::from_bits(field.number()?)),
        Type::Bytes => Value::from(STANDARD.encode(field.bytes()?)),
        Type::Time => special::time(field.bytes()?)?,
        Type::MicroTime => special::micro_time(field.bytes()?)?,
        Type::Quantity => special::quantity(field.bytes()?)?,
        Type::IntOrString => special::int_or_string(field.bytes()?)?,
        Type::Fields | Type::Raw => special::json_in_bytes(field.bytes()?)?,
        Type::Texts => special::texts(field.bytes()?)?,
        Type::Message(name) => match scope.messages.get(name) {
            Some(known) => Value::Object(fields(scope.deeper()?, known, field.bytes()?)?),
            None => Value::Null,
        },
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_true) => !is_true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}
