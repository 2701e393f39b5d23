//! Walking values by their shapes: the fields of one, the differences of two, merging, removing.

use serde_json::Value;

use super::{
    fields::{FieldSet, Path, shown},
    shape::{List, Shape},
};

/// Members of `metadata` that nobody owns: the server's, and what identifies the object.
const IGNORED: [&str; 10] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Whether a member of what is at a path can be owned.
fn ownable(path: &[String], name: &str) -> bool {
    !(path.len() == 1 && path[0] == "f:metadata" && IGNORED.contains(&name))
}

/// The fields a value sets: its leaves, and list elements.
pub(super) fn fields(value: &Value, shape: Shape<'_>) -> FieldSet {
    let mut set = FieldSet::default();
    collect(value, shape, &mut Vec::new(), &mut set);
    set
}

fn collect(value: &Value, shape: Shape<'_>, path: &mut Path, set: &mut FieldSet) {
    match value {
        Value::Object(members) if !shape.is_atomic_map() && !members.is_empty() => {
            for (name, child) in members {
                if !ownable(path, name) {
                    continue;
                }
                path.push(format!("f:{name}"));
                if !shape.declares(name) {
                    set.insert(path);
                }
                collect(child, shape.member(name), path, set);
                path.pop();
            }
        }
        Value::Array(items) if shape.list() != List::Atomic => {
            let list = shape.list();
            for item in items {
                let Some(identity) = shape.identity(&list, item) else {
                    continue;
                };
                path.push(identity);
                set.insert(path);
                collect(item, shape.item(), path, set);
                path.pop();
            }
        }
        _ => set.insert(path),
    }
}

/// Says why a value cannot be merged: wrong types, elements without identity, or twice.
pub(super) fn check(value: &Value, shape: Shape<'_>, path: &mut Path) -> Result<(), String> {
    if let Some(why) = shape.refuses(value) {
        return Err(format!("{}: {why}", shown(path)));
    }
    match value {
        Value::Object(members) => {
            for (name, child) in members {
                path.push(format!("f:{name}"));
                check(child, shape.member(name), path)?;
                path.pop();
            }
        }
        Value::Array(items) => {
            let list = shape.list();
            let mut seen = Vec::new();
            for (index, item) in items.iter().enumerate() {
                if let List::Map(keys) = &list
                    && shape.identity(&list, item).is_none()
                {
                    let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
                    return Err(format!(
                        "{}: element {index}: associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                        shown(path),
                        keys.join(" "),
                    ));
                }
                let Some(identity) = shape.identity(&list, item) else {
                    continue;
                };
                if seen.contains(&identity) {
                    let key = shown(std::slice::from_ref(&identity));
                    return Err(format!("{}: duplicate entries for key {key}", shown(path)));
                }
                seen.push(identity.clone());
                path.push(identity);
                check(item, shape.item(), path)?;
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

/// What differs between two values.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

pub(super) fn compare(old: &Value, new: &Value, shape: Shape<'_>) -> Changes {
    let mut changes = Changes::default();
    differ(old, new, shape, &mut Vec::new(), &mut changes);
    changes
}

fn differ(old: &Value, new: &Value, shape: Shape<'_>, path: &mut Path, changes: &mut Changes) {
    if old == new {
        return;
    }
    match (old, new) {
        (Value::Object(before), Value::Object(after)) if !shape.is_atomic_map() => {
            for (name, child) in after {
                if !ownable(path, name) {
                    continue;
                }
                path.push(format!("f:{name}"));
                match before.get(name) {
                    Some(old) => differ(old, child, shape.member(name), path, changes),
                    None => everything(child, shape.member(name), path, &mut changes.added),
                }
                path.pop();
            }
            for (name, child) in before {
                if after.contains_key(name) || !ownable(path, name) {
                    continue;
                }
                path.push(format!("f:{name}"));
                everything(child, shape.member(name), path, &mut changes.removed);
                path.pop();
            }
        }
        (Value::Array(before), Value::Array(after)) if shape.list() != List::Atomic => {
            let list = shape.list();
            let find = |items: &[Value], identity: &str| {
                items
                    .iter()
                    .find(|item| shape.identity(&list, item).as_deref() == Some(identity))
                    .cloned()
            };
            for item in after {
                let Some(identity) = shape.identity(&list, item) else {
                    continue;
                };
                let old = find(before, &identity);
                path.push(identity);
                match old {
                    Some(old) => differ(&old, item, shape.item(), path, changes),
                    None => everything(item, shape.item(), path, &mut changes.added),
                }
                path.pop();
            }
            for item in before {
                let Some(identity) = shape.identity(&list, item) else {
                    continue;
                };
                if find(after, &identity).is_none() {
                    path.push(identity);
                    everything(item, shape.item(), path, &mut changes.removed);
                    path.pop();
                }
            }
        }
        _ => changes.modified.insert(path),
    }
}

/// A field with all that is below it, maps and elements included.
fn everything(value: &Value, shape: Shape<'_>, path: &mut Path, set: &mut FieldSet) {
    set.insert(path);
    match value {
        Value::Object(members) if !shape.is_atomic_map() => {
            for (name, child) in members {
                if !ownable(path, name) {
                    continue;
                }
                path.push(format!("f:{name}"));
                everything(child, shape.member(name), path, set);
                path.pop();
            }
        }
        Value::Array(items) if shape.list() != List::Atomic => {
            let list = shape.list();
            for item in items {
                let Some(identity) = shape.identity(&list, item) else {
                    continue;
                };
                path.push(identity);
                everything(item, shape.item(), path, set);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Puts a configuration over a live value.
pub(super) fn merge(live: &mut Value, config: &Value, shape: Shape<'_>) {
    match (live, config) {
        (Value::Object(live), Value::Object(config)) if !shape.is_atomic_map() => {
            for (name, child) in config {
                match live.get_mut(name) {
                    Some(present) => merge(present, child, shape.member(name)),
                    None => drop(live.insert(name.clone(), child.clone())),
                }
            }
        }
        (Value::Array(live), Value::Array(config)) if shape.list() != List::Atomic => {
            *live = merge_lists(live, config, shape);
        }
        (live, config) => *live = config.clone(),
    }
}

/// Merges lists whose elements can be told apart. Elements that only the live list has stay before whatever comes next;
/// those that both have come in the configuration's order.
fn merge_lists(live: &[Value], config: &[Value], shape: Shape<'_>) -> Vec<Value> {
    let list = shape.list();
    let same = |a: &Value, b: &Value| shape.identity(&list, a) == shape.identity(&list, b);
    let holds = |items: &[Value], item: &Value| items.iter().any(|one| same(one, item));
    let mut shared = config.iter().filter(|item| holds(live, item)).peekable();
    let mut merged: Vec<Value> = Vec::with_capacity(live.len().max(config.len()));
    let (mut left, mut right) = (live.iter().peekable(), config.iter().peekable());
    loop {
        if let (Some(present), Some(item)) = (left.peek(), right.peek())
            && !same(present, item)
            && holds(config, present)
            && shared.peek().is_some_and(|next| !same(next, present))
        {
            // Both have it, but it is not its turn.
            left.next();
            continue;
        }
        if let Some(present) = left.next_if(|present| !holds(config, present)) {
            merged.push(present.clone());
            continue;
        }
        let Some(item) = right.next() else {
            // What is left and not taken above has been merged already.
            if left.next().is_some() {
                continue;
            }
            break;
        };
        left.next_if(|present| same(present, item));
        shared.next_if(|next| same(next, item));
        let found = live.iter().find(|present| same(present, item));
        merged.push(match found {
            Some(present) => {
                let mut result = present.clone();
                merge(&mut result, item, shape.item());
                result
            }
            None => item.clone(),
        });
    }
    merged
}

/// Removes a field, then every parent that is left empty and that nobody owns (by `keeps`).
pub(super) fn remove(
    value: &mut Value,
    shape: Shape<'_>,
    path: &[String],
    keeps: &impl Fn(&[String]) -> bool,
) {
    descend(value, shape, path, 0, keeps);
}

/// True when the value itself is left empty.
fn descend(
    value: &mut Value,
    shape: Shape<'_>,
    path: &[String],
    depth: usize,
    keeps: &impl Fn(&[String]) -> bool,
) -> bool {
    let Some(element) = path.get(depth) else {
        return false;
    };
    let is_last = depth + 1 == path.len();
    match value {
        Value::Object(members) => {
            let Some(name) = element.strip_prefix("f:") else {
                return false;
            };
            let goes = match members.get_mut(name) {
                Some(_) if is_last => true,
                Some(child) => {
                    descend(child, shape.member(name), path, depth + 1, keeps)
                        && !keeps(&path[..=depth])
                }
                None => false,
            };
            if goes {
                members.remove(name);
            }
            members.is_empty()
        }
        Value::Array(items) => {
            let list = shape.list();
            let Some(at) = items
                .iter()
                .position(|item| shape.identity(&list, item).as_ref() == Some(element))
            else {
                return false;
            };
            let goes = is_last
                || (descend(&mut items[at], shape.item(), path, depth + 1, keeps)
                    && !keeps(&path[..=depth]));
            if goes {
                items.remove(at);
            }
            items.is_empty()
        }
        _ => false,
    }
}
