//! Sets of fields, and their form in JSON (`FieldsV1`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A field's way from the root, in `FieldsV1`'s own notation: `f:name`, `k:{"key":"value"}`, `v:value`.
pub(super) type Path = Vec<String>;

/// A set of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldSet(pub(super) BTreeSet<Path>);

impl FieldSet {
    pub(super) fn insert(&mut self, path: &[String]) {
        if !path.is_empty() {
            self.0.insert(path.to_vec());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    pub(super) fn common(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The paths as conflicts list them: at each level first what is owned there, then what is owned below.
    pub(super) fn in_order(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = self.0.iter().collect();
        paths.sort_by_key(|path| {
            let last = path.len().saturating_sub(1);
            let keyed = path.iter().enumerate();
            keyed
                .map(|(depth, element)| (depth != last, element.as_str()))
                .collect::<Vec<_>>()
        });
        paths
    }

    /// Whether it holds the path or anything below it.
    pub(super) fn reaches(&self, path: &[String]) -> bool {
        self.0
            .range(path.to_vec()..)
            .next()
            .is_some_and(|found| found.starts_with(path))
    }

    /// Reads `FieldsV1`.
    pub(super) fn parse(value: &Value) -> Self {
        let mut set = Self::default();
        set.read(value, &mut Vec::new());
        set
    }

    fn read(&mut self, value: &Value, path: &mut Path) {
        let Value::Object(members) = value else {
            return;
        };
        if members.is_empty() {
            self.insert(path);
        }
        for (name, below) in members {
            if name == "." {
                self.insert(path);
                continue;
            }
            path.push(name.clone());
            self.read(below, path);
            path.pop();
        }
    }

    /// Writes `FieldsV1`. Where something is owned with and without what is below it, a dot says so.
    pub(super) fn to_value(&self) -> Value {
        let mut root = Map::new();
        for path in &self.0 {
            let mut node = &mut root;
            for (depth, element) in path.iter().enumerate() {
                let child = node
                    .entry(element.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                let Value::Object(child) = child else { break };
                if depth + 1 == path.len() && self.has_below(path) {
                    child.insert(".".to_owned(), json!({}));
                }
                node = child;
            }
        }
        Value::Object(root)
    }

    fn has_below(&self, path: &Path) -> bool {
        self.0
            .range(path.clone()..)
            .nth(1)
            .is_some_and(|next| next.starts_with(path))
    }
}

/// A path as error messages show it: `.spec.items[name="x"].v`.
pub(super) fn shown(path: &[String]) -> String {
    let mut text = String::new();
    for element in path {
        if let Some(name) = element.strip_prefix("f:") {
            text.push('.');
            text.push_str(name);
        } else if let Some(value) = element.strip_prefix("v:") {
            text.extend(["[=", value, "]"]);
        } else if let Some(Ok(Value::Object(keys))) =
            element.strip_prefix("k:").map(serde_json::from_str)
        {
            let pairs: Vec<String> = keys
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            text.extend(["[", pairs.join(",").as_str(), "]"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_survive_a_round_trip() {
        let rows = [
            json!({"f:data": {".": {}, "f:x": {}}}),
            json!({"f:data": {}}),
            json!({"f:spec": {"f:items": {"k:{\"name\":\"x\"}": {".": {}, "f:v": {}}}, "f:set": {"v:\"a\"": {}}}}),
            json!({}),
        ];
        for row in rows {
            assert_eq!(FieldSet::parse(&row).to_value(), row);
        }
    }

    #[test]
    fn paths_are_shown_like_a_real_server_does() {
        let path = ["f:spec", "f:items", "k:{\"name\":\"x\"}", "f:v"].map(str::to_owned);
        assert_eq!(shown(&path), ".spec.items[name=\"x\"].v");
    }
}
