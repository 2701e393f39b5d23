//! How values are put together: which maps and lists merge, and how list elements are told apart.
//!
//! Custom kinds say so in their schemas, built-in ones in their types.

use serde_json::{Map, Value};

use crate::{
    registry::{
        Kind, Origin,
        types::{self, Elements, Field, Struct, Type},
    },
    schema::Schema,
};

/// The type of a value, as far as merging needs it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'a> {
    Declared(&'a Schema),
    /// The root of a custom resource: its `metadata` is known, whatever the schema says.
    CustomRoot(&'a Schema),
    /// A whole built-in type.
    Fields(&'static Struct),
    /// A field of a built-in type.
    Field(&'static Field),
    /// An element of such a field.
    Element(&'static Type),
    /// Not declared: maps merge, lists do not.
    Free,
}

/// How a list merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum List {
    Atomic,
    Set,
    /// By these keys.
    Map(Vec<String>),
}

impl<'a> Shape<'a> {
    pub(super) fn of(kind: &'a Kind) -> Self {
        match (&kind.origin, kind.fields) {
            (Origin::Custom(custom), _) => Self::CustomRoot(&custom.schema),
            (Origin::BuiltIn(_), Some(fields)) => Self::Fields(fields),
            (Origin::BuiltIn(_), None) => Self::Free,
        }
    }

    pub(super) fn member(self, name: &'a str) -> Self {
        match self {
            Self::CustomRoot(_) if name == "metadata" => {
                types::object_meta().map_or(Self::Free, Self::Fields)
            }
            Self::Declared(schema) | Self::CustomRoot(schema) => {
                schema.member(name).map_or(Self::Free, Self::Declared)
            }
            Self::Fields(fields) => fields.fields.get(name).map_or(Self::Free, Self::Field),
            Self::Field(field) => Self::Element(&field.of).member(name),
            Self::Element(of) => match (of.fields(), of) {
                (Some(fields), _) => Self::Fields(fields).member(name),
                (None, Type::Map(of)) => Self::Element(of),
                _ => Self::Free,
            },
            Self::Free => Self::Free,
        }
    }

    pub(super) fn item(self) -> Self {
        match self {
            Self::Declared(schema) | Self::CustomRoot(schema) => {
                schema.items().map_or(Self::Free, Self::Declared)
            }
            Self::Field(Field { of, .. }) | Self::Element(of) => {
                of.element().map_or(Self::Free, Self::Element)
            }
            Self::Fields(_) | Self::Free => Self::Free,
        }
    }

    /// Whether a member is a field of the type, and no entry of a map.
    pub(super) fn declares(self, name: &str) -> bool {
        match self {
            Self::CustomRoot(_) if name == "metadata" => true,
            Self::Declared(schema) | Self::CustomRoot(schema) => schema.declares(name),
            Self::Fields(fields) => fields.fields.contains_key(name),
            Self::Field(field) => Self::Element(&field.of).declares(name),
            Self::Element(of) => of
                .fields()
                .is_some_and(|fields| fields.fields.contains_key(name)),
            Self::Free => false,
        }
    }

    /// Why a value cannot be of this type, as a typed decoder tells it.
    pub(super) fn refuses(self, value: &Value) -> Option<String> {
        let wanted = self.wanted()?;
        let fits = matches!(
            (wanted, value),
            (_, Value::Null)
                | ("integer" | "number", Value::Number(_))
                | ("string", Value::String(_))
                | ("boolean", Value::Bool(_))
                | ("array", Value::Array(_))
                | ("object", Value::Object(_))
        );
        if fits {
            return None;
        }
        let whole = |wanted: &str| {
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            format!("expected {wanted}, got &{{{shown}}}")
        };
        Some(match wanted {
            "integer" | "number" => {
                let found = go_type(value);
                format!("expected numeric (int or float), got {found}")
            }
            "array" => whole("list"),
            "object" => whole("map"),
            other => format!("expected {other}, got &value.valueUnstructured{{Value:{value}}}"),
        })
    }

    /// The JSON type that a value must have; none where any will do.
    fn wanted(self) -> Option<&'a str> {
        let of = match self {
            Self::Declared(schema) => return schema.kind(),
            Self::CustomRoot(_) | Self::Free => return None,
            Self::Fields(_) => return Some("object"),
            Self::Field(field) => &field.of,
            Self::Element(of) => of,
        };
        match of {
            Type::Text | Type::Bytes | Type::Time | Type::MicroTime => Some("string"),
            Type::Bool => Some("boolean"),
            Type::Int32 | Type::Int64 | Type::Number => Some("number"),
            Type::Struct(_) | Type::Map(_) => Some("object"),
            Type::List(_) => Some("array"),
            Type::Quantity | Type::IntOrString | Type::Any => None,
        }
    }

    /// Whether a map belongs to one owner as a whole.
    pub(super) fn is_atomic_map(self) -> bool {
        match self {
            Self::Declared(schema) => schema.is_atomic_map(),
            Self::CustomRoot(_) | Self::Free => false,
            Self::Fields(fields) => fields.is_atomic,
            Self::Field(field) => field.is_atomic || Self::Element(&field.of).is_atomic_map(),
            Self::Element(of) => of.fields().is_some_and(|fields| fields.is_atomic),
        }
    }

    pub(super) fn list(self) -> List {
        match self {
            Self::Declared(schema) | Self::CustomRoot(schema) => match schema.map_keys() {
                Some(keys) => List::Map(keys.to_vec()),
                None if schema.is_set() => List::Set,
                None => List::Atomic,
            },
            Self::Field(field) => match &field.elements {
                Elements::Atomic => List::Atomic,
                Elements::Set => List::Set,
                Elements::ByKeys(keys) => {
                    List::Map(keys.iter().map(|&key| key.to_owned()).collect())
                }
            },
            Self::Fields(_) | Self::Element(_) | Self::Free => List::Atomic,
        }
    }

    /// What tells an element of a list from others, in `FieldsV1`'s notation; `None` if its keys are missing.
    pub(super) fn identity(self, list: &List, item: &Value) -> Option<String> {
        match list {
            List::Atomic => None,
            List::Set => Some(format!("v:{item}")),
            List::Map(keys) => {
                let mut found = Map::new();
                for key in keys {
                    let value = item.get(key).cloned().or_else(|| self.default_key(key));
                    found.extend(value.map(|value| (key.clone(), value)));
                }
                (!found.is_empty()).then(|| format!("k:{}", Value::Object(found)))
            }
        }
    }

    /// The value of a key that is left out.
    fn default_key(self, key: &str) -> Option<Value> {
        match self {
            Self::Field(field) => {
                let element = field.of.element()?.fields()?;
                element.fields.get(key)?.default.clone()
            }
            Self::Declared(schema) | Self::CustomRoot(schema) => {
                schema.items()?.member(key)?.default_value().cloned()
            }
            Self::Fields(_) | Self::Element(_) | Self::Free => None,
        }
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
