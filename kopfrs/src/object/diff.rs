//! Differences between two JSON values: what was added, changed and removed, with both values.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{FieldPath, equal};

/// What happened to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiffOperation {
    /// The field was not there before.
    Add,
    /// The field has another value now.
    Change,
    /// The field is no longer there.
    Remove,
}

/// One difference: an operation, the path of the field, and its values before and after.
///
/// Serialises as `[op, path, old, new]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DiffItem {
    /// What happened.
    pub op: DiffOperation,
    /// Where; the root if the whole value is concerned.
    pub path: FieldPath,
    /// The value before; null if it was not there.
    pub old: Value,
    /// The value after; null if it is not there.
    pub new: Value,
}

/// The differences between an old and a new state.
///
/// Mappings are compared key by key; lists and scalars as a whole. An added or removed mapping is
/// one item at its root. An absent field and a null are the same. Within a mapping come first the
/// additions, then the removals, then the changes, each sorted by key.
///
/// # Examples
/// ```
/// use kopfrs::object::Diff;
/// use serde_json::json;
///
/// let diff = Diff::of(&json!({"spec": {"size": 1}}), &json!({"spec": {"size": 2}}));
/// assert_eq!(diff.to_string(), "spec.size: 1 → 2");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff(Vec<DiffItem>);

impl Diff {
    /// Compares two values.
    pub fn of(old: &Value, new: &Value) -> Self {
        let mut items = Vec::new();
        compare(&mut items, &FieldPath::root(), old, new);
        Self(items)
    }

    /// The items.
    pub fn iter(&self) -> std::slice::Iter<'_, DiffItem> {
        self.0.iter()
    }

    /// How many fields differ.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The differences inside one field, with paths relative to it. An item above the field (the
    /// whole spec was added, say) is compared anew at the field's level.
    pub fn reduce(&self, field: &FieldPath) -> Self {
        let mut items = Vec::new();
        for item in &self.0 {
            if let Some(relative) = item.path.strip_prefix(field) {
                items.push(DiffItem {
                    path: relative,
                    ..item.clone()
                });
            } else if let Some(below) = field.strip_prefix(&item.path) {
                let old = below.get(&item.old).unwrap_or(&Value::Null);
                let new = below.get(&item.new).unwrap_or(&Value::Null);
                compare(&mut items, &FieldPath::root(), old, new);
            }
        }
        Self(items)
    }

    /// The new state, given the old one: `Diff::of(old, new).apply(old) == new`, where nulls inside
    /// of mappings count as absent.
    pub fn apply(&self, old: &Value) -> Value {
        let mut value = old.clone();
        for item in &self.0 {
            match item.op {
                DiffOperation::Add | DiffOperation::Change => {
                    item.path.set(&mut value, item.new.clone());
                }
                DiffOperation::Remove if item.path.is_root() => value = Value::Null,
                DiffOperation::Remove => {
                    item.path.remove(&mut value);
                }
            }
        }
        value
    }
}

fn compare(items: &mut Vec<DiffItem>, path: &FieldPath, old: &Value, new: &Value) {
    match (old, new) {
        (Value::Null, Value::Null) => {}
        (Value::Null, new) => items.push(item(DiffOperation::Add, path, &Value::Null, new)),
        (old, Value::Null) => items.push(item(DiffOperation::Remove, path, old, &Value::Null)),
        (Value::Object(old), Value::Object(new)) => compare_maps(items, path, old, new),
        (old, new) if equal(old, new) => {}
        (old, new) => items.push(item(DiffOperation::Change, path, old, new)),
    }
}

fn compare_maps(
    items: &mut Vec<DiffItem>,
    path: &FieldPath,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) {
    let present = |map: &Map<String, Value>, key: &str| map.get(key).is_some_and(|v| !v.is_null());
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let (mut added, mut removed, mut common) = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        let group = match (present(old, key), present(new, key)) {
            (false, true) => &mut added,
            (true, false) => &mut removed,
            (true, true) => &mut common,
            (false, false) => continue,
        };
        group.push(key);
    }
    for key in added.into_iter().chain(removed).chain(common) {
        let (old, new) = (old.get(key), new.get(key));
        let (old, new) = (old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null));
        compare(items, &path.child(key), old, new);
    }
}

fn item(op: DiffOperation, path: &FieldPath, old: &Value, new: &Value) -> DiffItem {
    DiffItem {
        op,
        path: path.clone(),
        old: old.clone(),
        new: new.clone(),
    }
}

impl<'a> IntoIterator for &'a Diff {
    type Item = &'a DiffItem;
    type IntoIter = std::slice::Iter<'a, DiffItem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for DiffItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let path: Vec<&str> = self.path.segments().collect();
        (self.op, path, &self.old, &self.new).serialize(serializer)
    }
}

impl Serialize for Diff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl fmt::Display for DiffItem {
    /// `spec.size: 1 → 2`, `+ spec.name: "x"`, `- spec.name: "x"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = FieldPath::new(["(all)"]);
        let path = if self.path.is_root() {
            &whole
        } else {
            &self.path
        };
        match self.op {
            DiffOperation::Add => write!(f, "+ {path}: {}", self.new),
            DiffOperation::Change => write!(f, "{path}: {} → {}", self.old, self.new),
            DiffOperation::Remove => write!(f, "- {path}: {}", self.old),
        }
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_found_at_the_right_level() {
        let rows = [
            (
                json!(null),
                json!({"a": 1}),
                json!([["add", [], null, {"a": 1}]]),
            ),
            (json!({"a": 1}), json!({"a": 1}), json!([])),
            (json!({"a": 1}), json!({"a": 1.0}), json!([])),
            (
                json!({"a": 1}),
                json!({"a": true}),
                json!([["change", ["a"], 1, true]]),
            ),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"b": 2}}),
                json!([["change", ["a", "b"], 1, 2]]),
            ),
            (
                json!({}),
                json!({"a": {"b": 2}}),
                json!([["add", ["a"], null, {"b": 2}]]),
            ),
            (
                json!({"a": [1, 2]}),
                json!({"a": [2]}),
                json!([["change", ["a"], [1, 2], [2]]]),
            ),
            (
                json!({"a": {"b": 1}}),
                json!({"a": [1]}),
                json!([["change", ["a"], {"b": 1}, [1]]]),
            ),
            (json!({"a": null}), json!({}), json!([])),
            (
                json!({"a": 1}),
                json!({"a": null}),
                json!([["remove", ["a"], 1, null]]),
            ),
            (
                json!({"name": 1, "z": 1}),
                json!({"name": 2, "x": 1}),
                json!([
                    ["add", ["x"], null, 1],
                    ["remove", ["z"], 1, null],
                    ["change", ["name"], 1, 2]
                ]),
            ),
        ];
        for (old, new, expected) in rows {
            assert_eq!(
                serde_json::to_value(Diff::of(&old, &new)).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn differences_are_reduced_to_a_field() {
        let field: FieldPath = "spec.a".parse().unwrap();
        let rows = [
            (
                json!(null),
                json!({"spec": {"a": 1}}),
                json!([["add", [], null, 1]]),
            ),
            (
                json!({"spec": {"a": {"b": 1}}}),
                json!({"spec": {"a": {"b": 2}}}),
                json!([["change", ["b"], 1, 2]]),
            ),
            (
                json!({"spec": {"a": 1, "c": 1}}),
                json!({"spec": {"a": 1, "c": 2}}),
                json!([]),
            ),
            (
                json!({"spec": {"a": 1}}),
                json!({}),
                json!([["remove", [], 1, null]]),
            ),
            (
                json!({"spec": 1}),
                json!({"spec": {"a": 1}}),
                json!([["add", [], null, 1]]),
            ),
        ];
        for (old, new, expected) in rows {
            let reduced = Diff::of(&old, &new).reduce(&field);
            assert_eq!(
                serde_json::to_value(reduced).unwrap(),
                expected,
                "{old} {new}"
            );
        }
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (-3i64..3).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn applying_a_diff_to_the_old_gives_the_new(old in json_value(), new in json_value()) {
            let diff = Diff::of(&old, &new);
            prop_assert_eq!(diff.apply(&old), new.clone());
            prop_assert_eq!(diff.is_empty(), equal(&old, &new));
        }

        #[test]
        fn a_diff_of_the_same_is_empty(value in json_value()) {
            prop_assert!(Diff::of(&value, &value).is_empty());
        }
    }
}
