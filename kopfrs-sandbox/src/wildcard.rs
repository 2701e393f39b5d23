//! Lists of names in rules, where `*` stands for all.

use serde_json::Value;

/// What stands for all names.
pub(crate) const ALL: &str = "*";

/// The names in a field of a rule.
pub(crate) fn names(rule: &Value, field: &str) -> Vec<String> {
    let list = rule[field].as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Whether a name is among them, or all are.
pub(crate) fn has(names: &[String], wanted: &str) -> bool {
    names.iter().any(|one| one == ALL || one == wanted)
}
