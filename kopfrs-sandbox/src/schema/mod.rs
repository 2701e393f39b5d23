//! Structural schemas of custom resources.
//!
//! A definition's `openAPIV3Schema` is parsed once; then `prune` drops what it does not know, `defaults` fills in what
//! is missing and `validate` finds what is wrong. Called by `strategy` for custom kinds. It knows nothing of requests.

mod combined;
mod defaults;
mod depth;
mod duplicates;
mod format;
mod prune;
mod rules;
mod validate;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

pub(crate) use self::{
    defaults::{apply as apply_defaults, drop_nulls},
    format::is_known as is_known_format,
    prune::prune,
    rules::{check as check_rules, compile_errors},
    validate::{validate, validate_default},
};

/// A parsed schema node.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags are OpenAPI's, and independent"
)]
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    kind: Option<String>,
    properties: BTreeMap<String, Schema>,
    additional: Additional,
    items: Option<Box<Schema>>,
    nullable: bool,
    default: Option<Value>,
    preserve_unknown: bool,
    embedded_resource: bool,
    int_or_string: bool,
    list_type: ListType,
    atomic_map: bool,
    limits: Limits,
    all_of: Vec<Schema>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
    not: Option<Box<Schema>>,
    rules: Option<rules::Rules>,
}

/// What members beyond `properties` may be.
#[derive(Debug, Clone, Default)]
enum Additional {
    /// Not mentioned: unknown members are pruned.
    #[default]
    Unmentioned,
    /// `additionalProperties: true` or `false`.
    Any(bool),
    Like(Box<Schema>),
}

/// How the elements of a list are told apart.
#[derive(Debug, Clone, Default)]
enum ListType {
    #[default]
    Atomic,
    Set,
    Map(Vec<String>),
}

/// The keywords that restrict values.
#[derive(Debug, Clone, Default)]
struct Limits {
    required: Vec<String>,
    choices: Option<Vec<Value>>,
    minimum: Option<f64>,
    exclusive_minimum: bool,
    maximum: Option<f64>,
    exclusive_maximum: bool,
    multiple_of: Option<f64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    unique_items: bool,
    min_properties: Option<u64>,
    max_properties: Option<u64>,
    pattern: Option<(String, Option<Regex>)>,
    format: Option<String>,
}

impl Schema {
    /// Parses `openAPIV3Schema`; what it does not understand it ignores, definitions are checked elsewhere.
    pub(crate) fn parse(raw: &Value) -> Self {
        let list = |name: &str| -> Vec<Self> {
            raw.get(name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(Self::parse)
                .collect()
        };
        let flag = |name: &str| raw.get(name).and_then(Value::as_bool).unwrap_or(false);
        let child = |name: &str| {
            raw.get(name)
                .filter(|value| value.is_object())
                .map(|value| Box::new(Self::parse(value)))
        };
        let properties = raw
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        Self {
            kind: raw
                .get("type")
                .and_then(Value::as_str)
                .filter(|kind| !kind.is_empty())
                .map(str::to_owned),
            properties: properties
                .map(|(name, value)| (name.clone(), Self::parse(value)))
                .collect(),
            additional: match raw.get("additionalProperties") {
                Some(Value::Bool(any)) => Additional::Any(*any),
                Some(schema @ Value::Object(_)) => Additional::Like(Box::new(Self::parse(schema))),
                _ => Additional::Unmentioned,
            },
            items: child("items"),
            nullable: flag("nullable"),
            default: raw.get("default").cloned(),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            list_type: ListType::parse(raw),
            atomic_map: raw["x-kubernetes-map-type"] == "atomic",
            limits: Limits::parse(raw),
            all_of: list("allOf"),
            any_of: list("anyOf"),
            one_of: list("oneOf"),
            not: child("not"),
            rules: rules::Rules::compile(raw),
        }
    }

    /// The schema of a member; `None` when members of this name are not declared.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        self.properties.get(name).or(match &self.additional {
            Additional::Like(schema) => Some(schema),
            Additional::Any(_) | Additional::Unmentioned => None,
        })
    }

    /// Whether a member of this name is a property, and no entry of a map.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// The declared type.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    pub(crate) fn items(&self) -> Option<&Self> {
        self.items.as_deref()
    }

    /// The keys that identify the elements of a list; `None` when the list is not a map.
    pub(crate) fn map_keys(&self) -> Option<&[String]> {
        match &self.list_type {
            ListType::Map(keys) => Some(keys),
            ListType::Atomic | ListType::Set => None,
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        matches!(self.list_type, ListType::Set)
    }

    /// Whether a map is replaced as a whole.
    pub(crate) fn is_atomic_map(&self) -> bool {
        self.atomic_map
    }

    pub(crate) fn default_value(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Whether members that are not declared are kept.
    pub(crate) fn keeps_unknown(&self) -> bool {
        self.preserve_unknown || matches!(self.additional, Additional::Any(true))
    }

    /// Whether CEL rules are declared anywhere.
    pub(crate) fn has_rules(&self) -> bool {
        let additional = match &self.additional {
            Additional::Like(schema) => Some(schema.as_ref()),
            Additional::Any(_) | Additional::Unmentioned => None,
        };
        let mut below = self
            .properties
            .values()
            .chain(self.items.as_deref())
            .chain(additional);
        self.rules.is_some() || below.any(Self::has_rules)
    }
}

impl ListType {
    fn parse(raw: &Value) -> Self {
        let keys = raw
            .get("x-kubernetes-list-map-keys")
            .and_then(Value::as_array);
        match raw.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => Self::Set,
            Some("map") => Self::Map(
                keys.into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            ),
            _ => Self::Atomic,
        }
    }
}

impl Limits {
    fn parse(raw: &Value) -> Self {
        let number = |name: &str| raw.get(name).and_then(Value::as_f64);
        let count = |name: &str| raw.get(name).and_then(Value::as_u64);
        let flag = |name: &str| raw.get(name).and_then(Value::as_bool).unwrap_or(false);
        let text = |name: &str| {
            raw.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let required = raw
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        Self {
            required: required
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            choices: raw.get("enum").and_then(Value::as_array).cloned(),
            minimum: number("minimum"),
            exclusive_minimum: flag("exclusiveMinimum"),
            maximum: number("maximum"),
            exclusive_maximum: flag("exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: flag("uniqueItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            pattern: text("pattern").map(|pattern| (pattern.to_owned(), Regex::new(pattern).ok())),
            format: text("format").map(str::to_owned),
        }
    }
}
