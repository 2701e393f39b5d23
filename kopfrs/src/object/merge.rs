//! RFC 7386 merge patches: composing them and applying them.

use serde_json::{Map, Value};

/// Applies a merge patch to an object.
pub(crate) fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    let map = as_map(target);
    for (key, value) in patch {
        if value.is_null() {
            map.remove(key);
        } else {
            apply(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Merges a later merge patch into an earlier one: applying the result is applying both in order.
///
/// One thing cannot be said in one merge patch: to remove or replace a mapping as a whole, and then to
/// put members into it. The members are merged into the old mapping then.
pub(crate) fn compose(earlier: &mut Value, later: &Value) {
    let Value::Object(later) = later else {
        *earlier = later.clone();
        return;
    };
    let map = as_map(earlier);
    for (key, value) in later {
        if value.is_object() && map.get(key).is_some_and(Value::is_object) {
            if let Some(slot) = map.get_mut(key) {
                compose(slot, value);
            }
        } else {
            map.insert(key.clone(), value.clone());
        }
    }
}

/// The merge patch that makes one value of another; `None` if they are equal.
///
/// A `null` inside of a mapping cannot be said: it is the same as nothing being there.
pub(crate) fn between(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return (!super::equal(old, new)).then(|| new.clone());
    };
    let mut patch = Map::new();
    for (key, value) in new {
        let before = old.get(key).unwrap_or(&Value::Null);
        if let Some(change) = between(before, value) {
            patch.insert(key.clone(), change);
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Whether a merge patch of an object says nothing. An empty mapping inside of it says something:
/// that there is one.
pub(crate) fn is_empty(patch: &Value) -> bool {
    patch.is_null() || patch.as_object().is_some_and(Map::is_empty)
}

/// What of a patch did not arrive: the paths at which the object differs from the intention.
pub(crate) fn unmet(patch: &Value, object: &Value) -> Vec<super::FieldPath> {
    let mut paths = Vec::new();
    if !patch.is_null() {
        collect_unmet(&mut paths, &super::FieldPath::root(), patch, Some(object));
    }
    paths
}

fn collect_unmet(
    paths: &mut Vec<super::FieldPath>,
    at: &super::FieldPath,
    patch: &Value,
    object: Option<&Value>,
) {
    match (patch, object) {
        (Value::Null, None | Some(Value::Null)) => {}
        (Value::Object(patch), object)
            if !patch.is_empty() || object.is_some_and(Value::is_object) =>
        {
            for (key, value) in patch {
                collect_unmet(
                    paths,
                    &at.child(key),
                    value,
                    object.and_then(|o| o.get(key)),
                );
            }
        }
        (value, Some(object)) if super::equal(value, object) => {}
        _ => paths.push(at.clone()),
    }
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value
        .as_object_mut()
        .expect("a value that was just made a mapping is one")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_apply_as_rfc_7386_says() {
        let rows = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": [1]}),
                json!({"a": {"b": 1}}),
                json!({"a": {"b": 1}}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
            (json!(null), json!({"a": 1}), json!({"a": 1})),
        ];
        for (mut target, patch, expected) in rows {
            apply(&mut target, &patch);
            assert_eq!(target, expected);
        }
    }

    #[test]
    fn what_the_server_dropped_is_noticed() {
        let patch = json!({"status": {"a": 1, "b": {"c": 2}, "gone": null}});
        let kept = json!({"status": {"a": 1}});
        let paths: Vec<_> = unmet(&patch, &kept)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(paths, ["status.b.c"]);
        assert!(unmet(&Value::Null, &kept).is_empty());
    }

    fn patch() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), (0i64..3).prop_map(Value::from)];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect()))
        })
        .prop_filter("patches of objects are objects", Value::is_object)
    }

    /// Whether two patches can be said in one.
    fn is_expressible(first: &Value, second: &Value) -> bool {
        match (first, second) {
            (Value::Object(first), Value::Object(second)) => second.iter().all(|(key, second)| {
                first
                    .get(key)
                    .is_none_or(|first| is_expressible(first, second))
            }),
            (_, second) => !second.is_object(),
        }
    }

    proptest! {
        #[test]
        fn composed_patches_do_what_they_do_one_after_another(
            start in patch(), first in patch(), second in patch(),
        ) {
            prop_assume!(is_expressible(&first, &second));
            let mut target = json!({});
            apply(&mut target, &start);
            let (mut one_by_one, mut at_once) = (target.clone(), target);
            apply(&mut one_by_one, &first);
            apply(&mut one_by_one, &second);
            let mut composed = first;
            compose(&mut composed, &second);
            apply(&mut at_once, &composed);
            prop_assert_eq!(one_by_one, at_once);
        }
    }
}
