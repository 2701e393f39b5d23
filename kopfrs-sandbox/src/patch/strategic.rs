//! Strategic merge patch for built-in kinds.
//!
//! Lists merge by key where the kind's type says so. Directives: `$patch`, `$retainKeys`, `$setElementOrder/*`,
//! `$deleteFromPrimitiveList/*`.

use serde_json::{Map, Value, json};

use crate::{
    error::ApiError,
    registry::types::{Field, Merge, Struct, Type},
};

/// The fields of what is patched, where they are known.
type Fields = Option<&'static Struct>;

/// Applies a patch to an object of a type.
pub(crate) fn strategic_merge(
    target: &mut Value,
    patch: &Value,
    of: Fields,
) -> Result<(), ApiError> {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => merge_object(target, patch, of),
        (_, Value::Null) => Ok(()),
        (target, patch) => {
            *target = patch.clone();
            Ok(())
        }
    }
}

/// What an object or an element of a list says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &Map<String, Value>) -> Result<Directive, ApiError> {
    match patch.get("$patch").and_then(Value::as_str) {
        None | Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        Some(other) => {
            let shown = Value::Object(patch.clone());
            Err(ApiError::internal(format!(
                "unknown patch type: {other} in map: {shown}"
            )))
        }
    }
}

fn field(of: Fields, name: &str) -> Option<&'static Field> {
    of?.fields.get(name)
}

fn merge_object(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    of: Fields,
) -> Result<(), ApiError> {
    match directive(patch)? {
        Directive::Replace => {
            *target = without_directives(patch);
            return Ok(());
        }
        Directive::Delete => {
            target.clear();
            return Ok(());
        }
        Directive::Merge => {}
    }
    if let Some(Value::Array(retained)) = patch.get("$retainKeys") {
        target.retain(|name, _| retained.iter().any(|one| one == name));
    }
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(Value::Array(items)) = target.get_mut(list) {
                items.retain(|item| !gone.contains(item));
            }
        } else if let Some(list) = name.strip_prefix("$setElementOrder/") {
            if !patch.contains_key(list)
                && let Some(Value::Array(items)) = target.get_mut(list)
                && let Some(order) = value.as_array()
            {
                let live = items.clone();
                arrange(items, order, &live, merge_of(of, list));
            }
        } else if !name.starts_with('$') {
            merge_member(target, patch, (name, value), of)?;
        }
    }
    Ok(())
}

fn without_directives(patch: &Map<String, Value>) -> Map<String, Value> {
    let kept = patch.iter().filter(|(name, _)| *name != "$patch");
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn merge_of(of: Fields, name: &str) -> Merge {
    field(of, name).map_or(Merge::Replace, |field| field.merge)
}

fn merge_member(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    (name, value): (&str, &Value),
    of: Fields,
) -> Result<(), ApiError> {
    let declared = field(of, name).map(|field| &field.of);
    match value {
        Value::Null => {
            target.remove(name);
        }
        Value::Object(fields) => {
            let entry = target.entry(name).or_insert_with(|| json!({}));
            if !entry.is_object() {
                *entry = json!({});
            }
            if let Value::Object(entry) = entry {
                merge_object(entry, fields, declared.and_then(Type::fields))?;
            }
            if directive(fields)? == Directive::Delete {
                target.remove(name);
            }
        }
        Value::Array(items) => {
            let order = patch
                .get(&format!("$setElementOrder/{name}"))
                .and_then(Value::as_array);
            let present = target.entry(name).or_insert_with(|| json!([]));
            let Value::Array(list) = present else {
                *present = value.clone();
                return Ok(());
            };
            let element = declared.and_then(Type::element).and_then(Type::fields);
            match merge_of(of, name) {
                Merge::ByKey(key) => merge_list(list, (items, order), key, element)?,
                Merge::Values => merge_values(list, items, order),
                Merge::Replace => list.clone_from(items),
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            target.insert(name.to_owned(), value.clone());
        }
    }
    Ok(())
}

/// Merges the elements of a list by their key.
fn merge_list(
    list: &mut Vec<Value>,
    (patch, order): (&[Value], Option<&Vec<Value>>),
    key: &'static str,
    of: Fields,
) -> Result<(), ApiError> {
    let live = list.clone();
    let mut named = Vec::new();
    let mut replaces = false;
    for item in patch {
        let Value::Object(fields) = item else {
            return Err(keyless(item, key));
        };
        let directive = directive(fields)?;
        if directive == Directive::Replace && !fields.contains_key(key) {
            replaces = true;
            continue;
        }
        let identity = fields.get(key).ok_or_else(|| keyless(item, key))?;
        if directive == Directive::Delete {
            list.retain(|present| present.get(key) != Some(identity));
        } else {
            named.push(item);
        }
    }
    if replaces {
        *list = named.into_iter().cloned().collect();
        return Ok(());
    }
    if let Some(order) = order {
        check_order(&named, order, key)?;
    }
    for item in &named {
        let Value::Object(fields) = item else {
            continue;
        };
        let same = |present: &&mut Value| present.get(key) == fields.get(key);
        match list.iter_mut().find(same) {
            Some(Value::Object(present)) => merge_object(present, fields, of)?,
            _ => {
                let mut added = Map::new();
                merge_object(&mut added, fields, of)?;
                list.push(Value::Object(added));
            }
        }
    }
    let patched: Vec<Value> = named.into_iter().cloned().collect();
    arrange(list, order.unwrap_or(&patched), &live, Merge::ByKey(key));
    Ok(())
}

fn keyless(item: &Value, key: &str) -> ApiError {
    ApiError::internal(format!(
        "map: {item} does not contain declared merge key: {key}"
    ))
}

/// The elements of a patch must come in the order that it asks for.
fn check_order(named: &[&Value], order: &[Value], key: &str) -> Result<(), ApiError> {
    let mut places = order.iter().map(|one| one.get(key));
    if named
        .iter()
        .all(|item| places.any(|place| place == item.get(key)))
    {
        return Ok(());
    }
    let shown = |items: &mut dyn Iterator<Item = &Value>| {
        let texts: Vec<String> = items.map(ToString::to_string).collect();
        format!("[{}]", texts.join(" "))
    };
    Err(ApiError::internal(format!(
        "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
        shown(&mut named.iter().copied()),
        shown(&mut order.iter()),
    )))
}

/// Adds plain values that are not there yet.
fn merge_values(list: &mut Vec<Value>, patch: &[Value], order: Option<&Vec<Value>>) {
    let live = list.clone();
    let added = patch.iter().filter(|item| !live.contains(item));
    list.extend(added.cloned());
    arrange(
        list,
        order.map_or(patch, Vec::as_slice),
        &live,
        Merge::Values,
    );
}

/// Brings a merged list into order: elements that the patch knows come as it has them, the others as they were, and
/// between the two the live list decides where it knows both; what is new comes first.
fn arrange(list: &mut Vec<Value>, order: &[Value], live: &[Value], by: Merge) {
    let identity = |item: &Value| match by {
        Merge::ByKey(key) => item.get(key).cloned(),
        Merge::Values | Merge::Replace => Some(item.clone()),
    };
    let rank = |item: &Value, within: &[Value]| {
        let wanted = identity(item);
        within.iter().position(|one| identity(one) == wanted)
    };
    let (mut known, others): (Vec<Value>, Vec<Value>) = std::mem::take(list)
        .into_iter()
        .partition(|item| rank(item, order).is_some());
    known.sort_by_key(|item| rank(item, order));
    let (mut known, mut others) = (known.into_iter().peekable(), others.into_iter().peekable());
    while let (Some(left), Some(right)) = (known.peek(), others.peek()) {
        let right_is_first = matches!(
            (rank(left, live), rank(right, live)),
            (Some(left), Some(right)) if right < left
        );
        list.extend(if right_is_first {
            others.next()
        } else {
            known.next()
        });
    }
    list.extend(known);
    list.extend(others);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::types;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "rows read better without borrows"
    )]
    fn check(mut target: Value, patch: Value, expected: Value) {
        strategic_merge(&mut target, &patch, types::of("v1", "Pod")).expect("applies");
        assert_eq!(target, expected, "{patch}");
    }

    /// The same for what is in the spec of a Pod.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "rows read better without borrows"
    )]
    fn check_spec(target: Value, patch: Value, expected: Value) {
        check(
            json!({"spec": target}),
            json!({"spec": patch}),
            json!({"spec": expected}),
        );
    }

    #[test]
    fn lists_merge_by_their_keys() {
        let base = json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y"}]}, {"name": "b"}]});
        check_spec(
            base.clone(),
            json!({"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "Z"}]}]}),
            json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}, {"name": "Z"}]}, {"name": "b"}]}),
        );
        check_spec(
            json!({"containers": [{"name": "a"}, {"name": "b"}]}),
            json!({"containers": [{"name": "c"}, {"name": "b", "args": ["9"]}]}),
            json!({"containers": [{"name": "c"}, {"name": "a"}, {"name": "b", "args": ["9"]}]}),
        );
        check_spec(
            json!({"containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}),
            json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}], "containers": [{"name": "b", "$patch": "delete"}]}),
            json!({"containers": [{"name": "c"}, {"name": "a"}]}),
        );
        check_spec(
            json!({"containers": [{"name": "c"}, {"name": "a"}]}),
            json!({"$setElementOrder/containers": [{"name": "a"}, {"name": "c"}], "containers": [{"name": "a", "image": "x"}]}),
            json!({"containers": [{"name": "a", "image": "x"}, {"name": "c"}]}),
        );
    }

    #[test]
    fn other_lists_are_replaced_and_finalizers_merge() {
        check_spec(
            json!({"args": ["1", "2"]}),
            json!({"args": ["3"]}),
            json!({"args": ["3"]}),
        );
        check(
            json!({"metadata": {"finalizers": ["a"]}}),
            json!({"metadata": {"finalizers": ["b"]}}),
            json!({"metadata": {"finalizers": ["b", "a"]}}),
        );
        check(
            json!({"metadata": {"finalizers": ["a", "b"]}}),
            json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}),
            json!({"metadata": {"finalizers": ["b"]}}),
        );
    }

    #[test]
    fn directives_replace_and_retain() {
        check_spec(
            json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
            json!({"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "cm"}}]}),
            json!({"volumes": [{"name": "v", "configMap": {"name": "cm"}}]}),
        );
        check_spec(
            json!({"a": {"x": 1}}),
            json!({"a": {"$patch": "replace", "y": 2}}),
            json!({"a": {"y": 2}}),
        );
        for wrong in [
            json!({"containers": [{"image": "nameless"}]}),
            json!({"containers": [{"name": "a", "$patch": "what"}]}),
            json!({"$setElementOrder/containers": [{"name": "b"}], "containers": [{"name": "a"}]}),
        ] {
            let mut target = json!({"spec": {"containers": []}});
            let patch = json!({"spec": wrong});
            let refused = strategic_merge(&mut target, &patch, types::of("v1", "Pod"));
            assert!(refused.is_err(), "{patch}");
        }
    }
}
