//! Paths to fields inside of objects.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// A path to a field of an object: `spec.template.labels`.
///
/// Segments that contain dots are given as a list.
///
/// # Examples
/// ```
/// use kopfrs::object::FieldPath;
///
/// let dotted: FieldPath = "spec.size".parse()?;
/// assert_eq!(dotted, FieldPath::new(["spec", "size"]));
/// assert_eq!(FieldPath::new(["metadata", "labels", "a.b/c"]).to_string(), "metadata.labels.a.b/c");
/// # Ok::<(), kopfrs::object::FieldPathError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Vec<Box<str>>);

/// Why a text is not a path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FieldPathError {
    /// Nothing between two dots, or nothing at all.
    #[error("field {0:?} has an empty segment; write it like \"spec.field\"")]
    EmptySegment(String),
}

impl FieldPath {
    /// A path of these segments; no segments mean the whole object.
    pub fn new<S: Into<Box<str>>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }

    /// The path of the whole object.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the whole object.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The segments.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// This path one level deeper.
    pub fn child(&self, segment: &str) -> Self {
        let mut path = self.clone();
        path.0.push(segment.into());
        path
    }

    /// The path one level up; `None` of the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, above)| Self(above.to_vec()))
    }

    /// The rest of this path below `ancestor`, if it is below or equal.
    pub fn strip_prefix(&self, ancestor: &Self) -> Option<Self> {
        self.0
            .strip_prefix(ancestor.0.as_slice())
            .map(|rest| Self(rest.to_vec()))
    }

    /// The value at this path; `None` if it is not there. An explicit null is there.
    pub fn get<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.segments()
            .try_fold(object, |value, segment| value.get(segment))
    }

    /// Puts a value at this path, making the mappings above it. Whatever is in the way is replaced.
    pub fn set(&self, object: &mut Value, value: Value) {
        let slot = self.segments().fold(object, |at, segment| {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            match at {
                Value::Object(map) => map.entry(segment).or_insert(Value::Null),
                other => other,
            }
        });
        *slot = value;
    }

    /// Takes the value at this path out, and returns it. Mappings that become empty stay.
    pub fn remove(&self, object: &mut Value) -> Option<Value> {
        let (last, above) = self.0.split_last()?;
        let parent = above
            .iter()
            .try_fold(object, |at, segment| at.get_mut(&**segment))?;
        parent.as_object_mut()?.remove(&**last)
    }
}

impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(dotted: &str) -> Result<Self, Self::Err> {
        if dotted.split('.').any(str::is_empty) {
            return Err(FieldPathError::EmptySegment(dotted.to_owned()));
        }
        Ok(Self::new(dotted.split('.')))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            f.write_str(segment)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_found_set_and_removed_by_path() {
        let path: FieldPath = "spec.a.b".parse().unwrap();
        let mut object = json!({"spec": {"x": 1}});
        assert_eq!(path.get(&object), None);
        path.set(&mut object, json!(2));
        assert_eq!(object, json!({"spec": {"x": 1, "a": {"b": 2}}}));
        assert_eq!(path.remove(&mut object), Some(json!(2)));
        assert_eq!(object, json!({"spec": {"x": 1, "a": {}}}));
        assert_eq!(path.remove(&mut object), None);
    }

    #[test]
    fn empty_segments_are_refused() {
        for text in ["", ".", "spec.", ".spec", "a..b"] {
            assert!(text.parse::<FieldPath>().is_err(), "{text}");
        }
    }
}
