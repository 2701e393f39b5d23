//! From JSON to users' types, with the path of what does not fit.

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use serde_json::Value;

use super::{ArgError, Argument};

/// Where a value stands in the object, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The path of the value: `spec`; empty for the whole object.
    pub(super) path: &'a str,
    /// What to say where it is absent.
    pub(super) absent: &'a str,
}

/// What stands for an absent value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// Nothing but `None`.
    Missing,
    /// `None`, or else what an empty mapping gives: an object without a status.
    Empty,
}

/// Reads a value that is there.
pub(super) fn decode<T: DeserializeOwned>(
    value: &Value,
    path: &str,
    argument: &Argument,
) -> Result<T, ArgError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (inner, cause) = (error.path().to_string(), error.inner());
        let path = match (path, &*inner) {
            ("", ".") => return argument.error(cause),
            (path, ".") => path.to_owned(),
            ("", inner) => inner.to_owned(),
            (path, inner) if inner.starts_with('[') => format!("{path}{inner}"),
            (path, inner) => format!("{path}.{inner}"),
        };
        argument.error(format_args!("{path}: {cause}"))
    })
}

/// Reads a value that may be absent: an `Option` is `None` then.
pub(super) fn decode_or_absent<T: DeserializeOwned>(
    value: Option<&Value>,
    place: Place<'_>,
    absence: Absence,
    argument: &Argument,
) -> Result<T, ArgError> {
    match value {
        Some(value) => decode(value, place.path, argument),
        None => T::deserialize(Absent(absence)).map_err(|error| match absence {
            Absence::Missing => argument.error(place.absent),
            Absence::Empty => argument.error(format_args!("{} ({error})", place.absent)),
        }),
    }
}

/// A source of values in which there is nothing: `Option`s become `None`, without their inner type
/// being asked.
struct Absent(Absence);

impl<'de> Deserializer<'de> for Absent {
    type Error = serde_json::Error;

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Absence::Missing => Err(Self::Error::custom("absent")),
            Absence::Empty => {
                let nothing = std::iter::empty::<(&str, &str)>();
                visitor.visit_map(MapDeserializer::new(nothing))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}
