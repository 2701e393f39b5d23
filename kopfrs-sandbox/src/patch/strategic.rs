//! Strategic merge patch for built-in kinds.
//!
//! Lists merge by key where Kubernetes' types say so; the keys are looked up by the list's name, which is unambiguous
//! for the kinds served here. Directives: `$patch`, `$retainKeys`, `$setElementOrder/*`, `$deleteFromPrimitiveList/*`.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// How a list of this name merges; the parent tells service ports from container ports.
fn merge_key(name: &str, parent: &str) -> Option<&'static str> {
    match name {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "webhooks"
        | "secrets" => Some("name"),
        "ports" if parent == "containers" || parent == "initContainers" => Some("containerPort"),
        "ports" => Some("port"),
        "volumeMounts" => Some("mountPath"),
        "volumeDevices" => Some("devicePath"),
        "ownerReferences" => Some("uid"),
        "hostAliases" => Some("ip"),
        "conditions" => Some("type"),
        "topologySpreadConstraints" => Some("topologyKey"),
        _ => None,
    }
}

/// Whether a list of plain values of this name merges instead of being replaced.
fn merges_values(name: &str) -> bool {
    name == "finalizers"
}

/// Applies a patch.
pub(crate) fn strategic_merge(target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => merge_object(target, patch, ""),
        (target, patch) => {
            *target = patch.clone();
            Ok(())
        }
    }
}

fn merge_object(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    parent: &str,
) -> Result<(), ApiError> {
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *target = patch
                .iter()
                .filter(|(name, _)| *name != "$patch")
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            return Err(ApiError::internal(format!(
                "Unknown patch type found: {other}"
            )));
        }
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
        } else if !name.starts_with('$') {
            merge_member(target, patch, name, value, parent)?;
        }
    }
    order_untouched(target, patch, parent);
    Ok(())
}

fn merge_member(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    name: &str,
    value: &Value,
    parent: &str,
) -> Result<(), ApiError> {
    let order = patch
        .get(&format!("$setElementOrder/{name}"))
        .and_then(Value::as_array);
    match value {
        Value::Null => {
            target.remove(name);
        }
        Value::Object(fields) => {
            let entry = target
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            if let Value::Object(entry) = entry {
                merge_object(entry, fields, name)?;
            }
            if fields.get("$patch").and_then(Value::as_str) == Some("delete") {
                target.remove(name);
            }
        }
        Value::Array(items) => {
            let present = target
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            let Value::Array(list) = present else {
                *present = value.clone();
                return Ok(());
            };
            if let Some(key) = merge_key(name, parent) {
                merge_list(list, items, key, name)?;
                if let Some(order) = order {
                    sort_by_order(list, order, |item| item.get(key).cloned());
                }
            } else if merges_values(name) {
                merge_values(list, items, order);
            } else {
                list.clone_from(items);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            target.insert(name.to_owned(), value.clone());
        }
    }
    Ok(())
}

fn merge_list(
    list: &mut Vec<Value>,
    patch: &[Value],
    key: &str,
    name: &str,
) -> Result<(), ApiError> {
    if patch.iter().any(|item| {
        item.get("$patch")
            .is_some_and(|directive| directive == "replace")
            && item.get(key).is_none()
    }) {
        let kept = patch.iter().filter(|item| item.get("$patch").is_none());
        *list = kept.cloned().collect();
        return Ok(());
    }
    let mut front = Vec::new();
    for item in patch {
        let Some(identity) = item.get(key) else {
            return Err(ApiError::internal(format!(
                "map: {item} does not contain declared merge key: {key}"
            )));
        };
        let position = list
            .iter()
            .position(|present| present.get(key) == Some(identity));
        let deletes = item
            .get("$patch")
            .is_some_and(|directive| directive == "delete");
        match (position, item) {
            (Some(at), _) if deletes => drop(list.remove(at)),
            (None, _) if deletes => {}
            (Some(at), Value::Object(fields)) => {
                if let Value::Object(present) = &mut list[at] {
                    merge_object(present, fields, name)?;
                }
            }
            (None, Value::Object(fields)) => {
                let mut added = Map::new();
                merge_object(&mut added, fields, name)?;
                front.push((identity.clone(), Value::Object(added)));
            }
            _ => {}
        }
    }
    insert_new(list, front, patch, key);
    Ok(())
}

/// New elements take the place the patch's order gives them: before the first later element that was there already.
fn insert_new(list: &mut Vec<Value>, added: Vec<(Value, Value)>, patch: &[Value], key: &str) {
    for (identity, item) in added {
        let later = patch
            .iter()
            .skip_while(|one| one.get(key) != Some(&identity))
            .skip(1);
        let places = later.filter_map(|one| {
            list.iter()
                .position(|present| present.get(key) == one.get(key))
        });
        if let Some(at) = places.min() {
            // Elements that were only in the live list stay behind the new one.
            let front = list[..at]
                .iter()
                .take_while(|present| patch.iter().any(|one| one.get(key) == present.get(key)));
            let at = front.count().min(at);
            list.insert(at, item);
        } else {
            list.push(item);
        }
    }
}

/// Plain values: new ones go to the front.
fn merge_values(list: &mut Vec<Value>, patch: &[Value], order: Option<&Vec<Value>>) {
    let mut result: Vec<Value> = patch
        .iter()
        .filter(|item| !list.contains(item))
        .cloned()
        .collect();
    result.append(list);
    *list = result;
    if let Some(order) = order {
        sort_by_order(list, order, |item| Some(item.clone()));
    }
}

/// `$setElementOrder` for lists that the patch does not change otherwise.
fn order_untouched(target: &mut Map<String, Value>, patch: &Map<String, Value>, parent: &str) {
    for (name, order) in patch {
        let Some(list) = name.strip_prefix("$setElementOrder/") else {
            continue;
        };
        if patch.contains_key(list) {
            continue;
        }
        let (Some(Value::Array(items)), Some(order)) = (target.get_mut(list), order.as_array())
        else {
            continue;
        };
        match merge_key(list, parent) {
            Some(key) => sort_by_order(items, order, |item| item.get(key).cloned()),
            None => sort_by_order(items, order, |item| Some(item.clone())),
        }
    }
}

/// Sorts the elements that the order names; others keep their place relative to what was before them.
fn sort_by_order(
    list: &mut Vec<Value>,
    order: &[Value],
    identity: impl Fn(&Value) -> Option<Value>,
) {
    let ids: Vec<Value> = order.iter().filter_map(&identity).collect();
    let rank = |item: &Value| identity(item).and_then(|id| ids.iter().position(|one| *one == id));
    let mut ordered: Vec<Value> = list
        .iter()
        .filter(|item| rank(item).is_some())
        .cloned()
        .collect();
    ordered.sort_by_key(|item| rank(item));
    let mut result: Vec<Value> = Vec::with_capacity(list.len());
    let mut next = ordered.into_iter();
    for item in list.iter() {
        if rank(item).is_some() {
            result.extend(next.next());
        } else {
            result.push(item.clone());
        }
    }
    *list = result;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "rows read better without borrows"
    )]
    fn check(mut target: Value, patch: Value, expected: Value) {
        strategic_merge(&mut target, &patch).expect("applies");
        assert_eq!(target, expected, "{patch}");
    }

    #[test]
    fn lists_merge_by_their_keys() {
        let base = json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y"}]}, {"name": "b"}]});
        check(
            base.clone(),
            json!({"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "Z"}]}]}),
            json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}, {"name": "Z"}]}, {"name": "b"}]}),
        );
        check(
            json!({"containers": [{"name": "a"}, {"name": "b"}]}),
            json!({"containers": [{"name": "c"}, {"name": "b", "args": ["9"]}]}),
            json!({"containers": [{"name": "c"}, {"name": "a"}, {"name": "b", "args": ["9"]}]}),
        );
        check(
            json!({"containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}),
            json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}], "containers": [{"name": "b", "$patch": "delete"}]}),
            json!({"containers": [{"name": "c"}, {"name": "a"}]}),
        );
        check(
            json!({"containers": [{"name": "c"}, {"name": "a"}]}),
            json!({"$setElementOrder/containers": [{"name": "a"}, {"name": "c"}], "containers": [{"name": "a", "image": "x"}]}),
            json!({"containers": [{"name": "a", "image": "x"}, {"name": "c"}]}),
        );
    }

    #[test]
    fn other_lists_are_replaced_and_finalizers_merge() {
        check(
            json!({"args": ["1", "2"]}),
            json!({"args": ["3"]}),
            json!({"args": ["3"]}),
        );
        check(
            json!({"finalizers": ["a"]}),
            json!({"finalizers": ["b"]}),
            json!({"finalizers": ["b", "a"]}),
        );
        check(
            json!({"finalizers": ["a", "b"]}),
            json!({"$deleteFromPrimitiveList/finalizers": ["a"]}),
            json!({"finalizers": ["b"]}),
        );
    }

    #[test]
    fn directives_replace_and_retain() {
        check(
            json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
            json!({"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "cm"}}]}),
            json!({"volumes": [{"name": "v", "configMap": {"name": "cm"}}]}),
        );
        check(
            json!({"a": {"x": 1}}),
            json!({"a": {"$patch": "replace", "y": 2}}),
            json!({"a": {"y": 2}}),
        );
        let mut target = json!({"containers": []});
        assert!(
            strategic_merge(&mut target, &json!({"containers": [{"image": "nameless"}]})).is_err()
        );
    }
}
