//! Reading the table of types.
//!
//! A line `VERSION KIND = TYPE` names the type of a kind, a line without indentation begins a type, an indented one is a
//! field: its name, its type, and what is particular about it.

use std::collections::BTreeMap;

use super::{Elements, Field, Merge, Presence, Struct, Table, Type};

pub(super) fn parse(text: &'static str) -> Table {
    let mut names = BTreeMap::new();
    let headers = text.lines().filter(|line| is_header(line));
    for (index, line) in headers.enumerate() {
        names.insert(first_word(line), index);
    }
    let mut table = Table::default();
    for line in text.lines() {
        if let Some((kind, of)) = line.split_once(" = ") {
            if let (Some((version, kind)), Some(index)) = (kind.split_once(' '), names.get(of)) {
                table.kinds.insert((version, kind), *index);
            }
        } else if is_header(line) {
            table.structs.push(Struct {
                name: first_word(line),
                is_atomic: line.ends_with(" atomic"),
                fields: BTreeMap::new(),
            });
        } else if let (Some(owner), Some((name, rest))) =
            (table.structs.last_mut(), line.trim_start().split_once(' '))
        {
            owner.fields.insert(name, field(rest, &names));
        }
    }
    table
}

fn is_header(line: &str) -> bool {
    line.starts_with(|first: char| !first.is_whitespace()) && !line.contains(" = ")
}

fn first_word(line: &'static str) -> &'static str {
    line.split(' ').next().unwrap_or_default()
}

fn field(text: &'static str, names: &BTreeMap<&'static str, usize>) -> Field {
    let mut words = text.split(' ');
    let mut field = Field {
        of: type_of(words.next().unwrap_or_default(), names),
        merge: Merge::Replace,
        retains_keys: false,
        elements: Elements::Atomic,
        is_atomic: false,
        default: None,
        presence: Presence::Given,
    };
    for word in words {
        match word.split_once('=') {
            Some(("merge", key)) => field.merge = Merge::ByKey(key),
            Some(("map", keys)) => field.elements = Elements::ByKeys(keys.split(',').collect()),
            Some(("default", json)) => field.default = serde_json::from_str(json).ok(),
            _ => match word {
                "merge" => field.merge = Merge::Values,
                "retain" => field.retains_keys = true,
                "set" => field.elements = Elements::Set,
                "atomic" => field.is_atomic = true,
                "omit" => field.presence = Presence::Filled,
                "zero" => field.presence = Presence::Always,
                _ => {}
            },
        }
    }
    field
}

fn type_of(text: &str, names: &BTreeMap<&'static str, usize>) -> Type {
    let inside = |open: char, close: char| {
        let inside = text.strip_prefix(open)?.strip_suffix(close)?;
        Some(Box::new(type_of(inside, names)))
    };
    if let Some(of) = inside('[', ']') {
        return Type::List(of);
    }
    if let Some(of) = inside('{', '}') {
        return Type::Map(of);
    }
    match text {
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "bool" => Type::Bool,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "number" | "double" => Type::Number,
        "quantity" => Type::Quantity,
        "int-or-string" => Type::IntOrString,
        "time" => Type::Time,
        "micro-time" => Type::MicroTime,
        name => names
            .get(name)
            .map_or(Type::Any, |index| Type::Struct(*index)),
    }
}
