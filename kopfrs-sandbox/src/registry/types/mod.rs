//! The types of built-in kinds: which fields there are, of which type, and how their lists merge.
//!
//! `table.txt` lists them; it says what the OpenAPI documents of a kube-apiserver say, less the prose. Decoding, strategic
//! merge patches and field ownership look here, so that none of them has to know kinds by name.

mod canonical;
mod check;
mod table;

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::Value;

pub(crate) use self::{
    canonical::{canonicalise, complete},
    check::check,
};

/// A type with fields.
#[derive(Debug, Default)]
pub(crate) struct Struct {
    pub(crate) name: &'static str,
    pub(crate) fields: BTreeMap<&'static str, Field>,
    /// Whether it belongs to one owner as a whole.
    pub(crate) is_atomic: bool,
}

/// A field of a type.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) of: Type,
    /// How a strategic merge patch treats it, if it is a list.
    pub(crate) merge: Merge,
    /// Whether a strategic merge patch may say which members stay.
    pub(crate) retains_keys: bool,
    /// How field ownership tells the elements of a list apart.
    pub(crate) elements: Elements,
    pub(crate) is_atomic: bool,
    pub(crate) default: Option<Value>,
    presence: Presence,
}

/// The type of a value.
#[derive(Debug, Clone)]
pub(crate) enum Type {
    Text,
    Bytes,
    Bool,
    Int32,
    Int64,
    Number,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    /// Whatever JSON can say.
    Any,
    Struct(usize),
    List(Box<Type>),
    Map(Box<Type>),
}

/// Whether a field without a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// As it was given.
    Given,
    /// Never: what is empty is left out.
    Filled,
    /// Always: what is left out is shown empty.
    Always,
}

/// What a strategic merge patch does with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    Replace,
    /// Elements with the same value of this field are merged.
    ByKey(&'static str),
    /// Plain values are added.
    Values,
}

/// How elements of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Elements {
    /// Not at all: the list has one owner.
    Atomic,
    Set,
    ByKeys(Vec<&'static str>),
}

/// All types, and which of them are kinds.
#[derive(Debug, Default)]
struct Table {
    structs: Vec<Struct>,
    kinds: BTreeMap<(&'static str, &'static str), usize>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| table::parse(include_str!("table.txt")))
}

/// The type of a kind.
pub(crate) fn of(api_version: &str, kind: &str) -> Option<&'static Struct> {
    let table = table();
    let found = table
        .kinds
        .iter()
        .find(|((version, name), _)| *version == api_version && *name == kind);
    found.map(|(_, index)| &table.structs[*index])
}

/// The type of every object's metadata.
pub(crate) fn object_meta() -> Option<&'static Struct> {
    table().structs.iter().find(|one| one.name == "ObjectMeta")
}

impl Type {
    /// The fields of a value of this type.
    pub(crate) fn fields(&self) -> Option<&'static Struct> {
        match self {
            Self::Struct(index) => table().structs.get(*index),
            _ => None,
        }
    }

    /// The type of what a list or a map holds.
    pub(crate) fn element(&self) -> Option<&Self> {
        match self {
            Self::List(of) | Self::Map(of) => Some(of),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_from_kind_to_leaf() {
        let field = |owner: &'static Struct, name: &str| &owner.fields[name];
        let pod = of("v1", "Pod").expect("a kind");
        let spec = field(pod, "spec").of.fields().expect("a type");
        let containers = field(spec, "containers");
        assert_eq!(containers.merge, Merge::ByKey("name"));
        let container = containers
            .of
            .element()
            .and_then(Type::fields)
            .expect("a type");
        let ports = field(container, "ports");
        assert_eq!(
            ports.elements,
            Elements::ByKeys(vec!["containerPort", "protocol"])
        );
        assert_eq!(ports.merge, Merge::ByKey("containerPort"));
        assert!(field(spec, "nodeSelector").is_atomic);
        let meta = object_meta().expect("the type of metadata");
        assert_eq!(field(meta, "finalizers").merge, Merge::Values);
        assert_eq!(field(meta, "finalizers").elements, Elements::Set);
        assert!(of("v1", "Nothing").is_none());
    }
}
