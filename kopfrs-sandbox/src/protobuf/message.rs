//! The table of messages: which number is which field, and of what type.

use std::{collections::HashMap, sync::OnceLock};

/// One line a message: its name, then `number:field:type` for each field.
///
/// Types: `s` text, `b` boolean, `i` integer, `d` floating point, `y` bytes, `@` another message, `t` and `u` times, `q`
/// quantity, `x` integer or text, `f` fields of managers, `e` list of texts in a message, `r` any object; `*` before it
/// is a list, `%` a map from text. A field called `<` is no field: what is in its message belongs to this one.
const TABLE: &str = include_str!("messages.txt");

#[derive(Debug)]
pub(crate) struct Messages(HashMap<&'static str, Message>);

pub(crate) type Message = HashMap<u64, FieldType>;

#[derive(Debug)]
pub(crate) struct FieldType {
    pub(crate) name: &'static str,
    pub(crate) many: Many,
    pub(crate) of: Type,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Many {
    One,
    List,
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Boolean,
    Integer,
    Double,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    Fields,
    Texts,
    Raw,
    Message(&'static str),
}

impl Messages {
    pub(crate) fn all() -> &'static Self {
        static ALL: OnceLock<Messages> = OnceLock::new();
        ALL.get_or_init(|| Self::parse(TABLE))
    }

    /// Reads another table of the same form.
    pub(crate) fn parse(table: &'static str) -> Self {
        Self(table.lines().filter_map(message).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Message> {
        self.0.get(name)
    }

    /// The message of a kind: groups are known by their first word.
    pub(super) fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Message> {
        let group = match api_version.split_once('/') {
            Some((group, "v1")) => group.split('.').next()?,
            None if api_version == "v1" => "core",
            _ => return None,
        };
        let own = self.get(&format!("{group}.{kind}"));
        // Options have the version of what they are sent with.
        own.or_else(|| {
            self.get("meta.DeleteOptions")
                .filter(|_| kind == "DeleteOptions")
        })
    }
}

fn message(line: &'static str) -> Option<(&'static str, Message)> {
    let (name, fields) = line.split_once(':')?;
    Some((name, fields.split_whitespace().filter_map(field).collect()))
}

fn field(text: &'static str) -> Option<(u64, FieldType)> {
    let mut parts = text.splitn(3, ':');
    let number = parts.next()?.parse().ok()?;
    let (name, text) = (parts.next()?, parts.next()?);
    let (many, text) = match text.split_at_checked(1)? {
        ("*", rest) => (Many::List, rest),
        ("%", rest) => (Many::Map, rest),
        _ => (Many::One, text),
    };
    let of = match text {
        "s" => Type::Text,
        "b" => Type::Boolean,
        "i" => Type::Integer,
        "d" => Type::Double,
        "y" => Type::Bytes,
        "t" => Type::Time,
        "u" => Type::MicroTime,
        "q" => Type::Quantity,
        "x" => Type::IntOrString,
        "f" => Type::Fields,
        "e" => Type::Texts,
        "r" => Type::Raw,
        message => Type::Message(message.strip_prefix('@')?),
    };
    Some((number, FieldType { name, many, of }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        let messages = Messages::all();
        let fields: usize = TABLE
            .split_whitespace()
            .filter(|word| !word.ends_with(':'))
            .count();
        assert_eq!(messages.0.values().map(HashMap::len).sum::<usize>(), fields);
        for (name, message) in &messages.0 {
            for field in message.values() {
                if let Type::Message(of) = field.of {
                    assert!(messages.get(of).is_some(), "{name}.{} of {of}", field.name);
                }
            }
        }
    }
}
