//! Reading JSON as Go reads it: a field given twice is merged, and named.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads JSON; gives the paths of fields that came twice.
pub(super) fn read(bytes: &[u8]) -> Result<(Value, Vec<String>), serde_json::Error> {
    let mut found = Found::default();
    let value = read_noting(bytes, &mut found)?;
    Ok((value, found.duplicates))
}

/// Where fields are in the text: which one of all fields a path names first, and which one last.
pub(super) type Positions = HashMap<String, Option<(usize, usize)>>;

/// Looks up where the fields of these paths are; longer paths than [`LONGEST`] are not found.
pub(super) fn positions<'a>(bytes: &[u8], paths: impl Iterator<Item = &'a str>) -> Positions {
    let mut found = Found {
        sought: paths.map(|path| (path.to_owned(), None)).collect(),
        ..Found::default()
    };
    // What cannot be read has no fields.
    let _ = read_noting(bytes, &mut found);
    found.sought
}

/// What is noted on the way.
#[derive(Default)]
struct Found {
    duplicates: Vec<String>,
    sought: Positions,
    fields: usize,
}

impl Found {
    fn pass(&mut self, place: &Place<'_>) {
        self.fields += 1;
        if self.sought.is_empty() || place.len() > LONGEST {
            return;
        }
        if let Some(position) = self.sought.get_mut(&place.to_string()) {
            let first = position.map_or(self.fields, |(first, _)| first);
            *position = Some((first, self.fields));
        }
    }

    fn name_again(&mut self, place: &Place<'_>) {
        if self.duplicates.len() < NAMED {
            self.duplicates.push(place.to_string());
        }
    }
}

fn read_noting(bytes: &[u8], found: &mut Found) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let node = Node {
        place: Place::Root,
        found,
    };
    let value = node.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Fields that are named at most: a real server does not tell of more, and each is a text of its own.
const NAMED: usize = 100;

/// Bytes of a path whose place in the text is looked up: every field on the way is compared with what is sought.
const LONGEST: usize = 1000;

/// Where a value is; only made into text for fields that came twice.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// Bytes of the text, or a little more.
    fn len(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Member(parent, name) => parent.len() + 1 + name.len(),
            Self::Item(parent, _) => parent.len() + 3,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A value somewhere in the document.
struct Node<'a> {
    place: Place<'a>,
    found: &'a mut Found,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let place = Place::Item(&self.place, list.len());
            let Some(item) = items.next_element_seed(Node {
                place,
                found: self.found,
            })?
            else {
                return Ok(Value::Array(list));
            };
            list.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let place = Place::Member(&self.place, &name);
            self.found.pass(&place);
            let value = members.next_value_seed(Node {
                place,
                found: self.found,
            })?;
            match (map.get_mut(&name), value) {
                (Some(Value::Object(present)), Value::Object(again)) => {
                    self.found.name_again(&place);
                    present.extend(again);
                }
                (Some(present), value) => {
                    self.found.name_again(&place);
                    *present = value;
                }
                (None, value) => drop(map.insert(name, value)),
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_given_twice_are_merged_and_named() {
        let text =
            br#"{"data":{"k":"1","k":"2"},"data":{"z":"1"},"list":[{"a":1,"a":2.5}],"n":null}"#;
        let (value, duplicates) = read(text).expect("json");
        assert_eq!(
            value,
            json!({"data": {"k": "2", "z": "1"}, "list": [{"a": 2.5}], "n": null})
        );
        assert_eq!(duplicates, ["data.k", "data", "list[0].a"]);
        let sought = ["data", "data.k", "list[0].a", "nowhere"];
        let positions = positions(text, sought.into_iter());
        let found = sought.map(|path| positions[path]);
        let expected = [Some((1, 4)), Some((2, 3)), Some((7, 8)), None];
        assert_eq!(found, expected);
        assert!(read(b"{} x").is_err());
    }
}
