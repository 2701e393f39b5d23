//! CEL: the rules of `x-kubernetes-validations`.
//!
//! `kube-cel` evaluates the rules of one node. Walking to the nodes is done here, as what an old value is for a rule
//! depends on how lists are merged.

use std::{fmt, sync::Arc};

use kube_cel::{CompiledSchema, ErrorKind, ValidationError, compile_schema, validate_compiled};
use serde_json::{Value, json};

use super::{
    Schema,
    depth::{LIMIT, depth, on_stack_for},
    validate::{Place, type_name},
};
use crate::{error::FieldError, object::Fields};

const KEYWORD: &str = "x-kubernetes-validations";

/// The rules of one node, compiled once.
#[derive(Clone)]
pub(super) struct Rules {
    compiled: Arc<CompiledSchema>,
    /// Of the deepest of them.
    depth: usize,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rules")
            .field(&self.compiled.validations.len())
            .finish()
    }
}

impl Rules {
    pub(super) fn compile(raw: &Value) -> Option<Self> {
        let rules = raw.get(KEYWORD)?.as_array()?;
        let rules = rules.iter().filter(|rule| depth_of(rule) <= LIMIT);
        let rules: Vec<Value> = rules.map(with_optional_old).collect();
        if rules.is_empty() {
            return None;
        }
        // The types below are needed; the rules below are for other values.
        let mut node = without_rules(raw);
        node[KEYWORD] = json!(&rules);
        let depth = rules.iter().map(depth_of).max().unwrap_or(0);
        let compiled = on_stack_for(depth, || compile_schema(&node));
        Some(Self {
            compiled: Arc::new(compiled),
            depth,
        })
    }
}

/// How deep a rule, or the expression of its message, is.
fn depth_of(rule: &Value) -> usize {
    let expressions = ["rule", "messageExpression"].into_iter();
    let texts = expressions.filter_map(|name| rule.get(name)?.as_str());
    texts.map(depth).max().unwrap_or(0)
}

/// What `oldSelf` is where there may be none. The evaluator gives null for none, and rules ask for an optional value.
const OPTIONAL: &str = "(oldSelf == null ? optional.none() : optional.of(oldSelf))";

fn with_optional_old(rule: &Value) -> Value {
    let mut rule = rule.clone();
    if rule["optionalOldSelf"] != true {
        return rule;
    }
    for name in ["rule", "messageExpression"] {
        if let Some(text) = rule[name].as_str() {
            rule[name] = json!(replace_word(text, "oldSelf", OPTIONAL));
        }
    }
    rule
}

/// Replaces an identifier, where it is a whole word and nobody's member.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let is_word = !before.ends_with(|c| is_part(c) || c == '.') && !after.starts_with(is_part);
        replaced.extend([before, if is_word { by } else { word }]);
        rest = after;
    }
    replaced + rest
}

fn without_rules(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| {
                // A member may have this name, too: that one is an object.
                name.as_str() != KEYWORD || value.is_object()
            });
            let kept: Fields = kept
                .map(|(name, value)| (name.clone(), without_rules(value)))
                .collect();
            Value::Object(kept)
        }
        Value::Array(items) => items.iter().map(without_rules).collect(),
        other => other.clone(),
    }
}

/// What rules of a node do not compile: the index of each, and why.
pub(crate) fn compile_errors(node: &Value) -> Vec<(usize, String)> {
    let rules = node.get(KEYWORD).and_then(Value::as_array);
    let rules = rules.into_iter().flatten().enumerate();
    rules
        .filter_map(|(index, rule)| {
            let depth = depth_of(rule);
            if depth > LIMIT {
                return Some((index, "expression recursion limit exceeded".to_owned()));
            }
            let node = json!({"type": "object", KEYWORD: [rule]});
            let compiled = on_stack_for(depth, || compile_schema(&node));
            let errors = compiled.compilation_errors();
            Some((index, as_compiled(&errors.first()?.to_string())))
        })
        .collect()
}

/// The compiler's own words, less what is said of the rule around them.
fn as_compiled(text: &str) -> String {
    let own = text.find("ERROR: ").map_or(text, |at| &text[at..]);
    own.replace("\n| ", "\n | ")
}

/// All rules that an object breaks. Rules about changes are only asked when there is an old object.
pub(crate) fn check(value: &Value, old: Option<&Value>, schema: &Schema) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let root = Place {
        field: String::new(),
        text: String::new(),
    };
    walk(schema, (value, old), &root, &mut errors);
    errors
}

fn walk(
    schema: &Schema,
    (value, old): (&Value, Option<&Value>),
    place: &Place,
    errors: &mut Vec<FieldError>,
) {
    if value.is_null() {
        return;
    }
    if let Some(rules) = &schema.rules
        && let Err(broken) = on_stack_for(rules.depth, || {
            validate_compiled(&rules.compiled, value, old)
        })
    {
        let broken = broken.into_vec();
        errors.extend(broken.iter().map(|error| worded(error, value, place)));
    }
    match value {
        Value::Object(fields) => {
            for (name, child) in fields {
                if let Some(schema) = schema.member(name) {
                    let old = old.and_then(|old| old.get(name));
                    walk(schema, (child, old), &place.member(name), errors);
                }
            }
        }
        Value::Array(items) => {
            let Some(of) = schema.items() else { return };
            for (index, item) in items.iter().enumerate() {
                let old = counterpart(schema, item, old);
                walk(of, (item, old), &place.item(index), errors);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The old state of a list's element: only where elements have keys are they the same from one state to the next.
fn counterpart<'a>(schema: &Schema, item: &Value, old: Option<&'a Value>) -> Option<&'a Value> {
    let keys = schema.map_keys()?;
    let same = |one: &&Value| keys.iter().all(|key| one.get(key) == item.get(key));
    old?.as_array()?.iter().find(same)
}

fn worded(error: &ValidationError, value: &Value, place: &Place) -> FieldError {
    let rule = error.rule.replace(OPTIONAL, "oldSelf");
    if error.kind != ErrorKind::ValidationFailure {
        // A rule that fails is wrong about its own node, wherever its `fieldPath` leads.
        let why = evaluation(&error.message);
        let field = or_nil(place.field.clone());
        let shown = json!(type_name(value));
        return FieldError::invalid(field, &shown, format!("{why} evaluating rule: {rule}"));
    }
    let field = or_nil(field_of(&place.field, &error.field_path));
    let message = error.message.replace(OPTIONAL, "oldSelf");
    let is_whole = value.is_object() || value.is_array();
    match error.reason.as_deref() {
        Some("FieldValueForbidden") => FieldError::forbidden(field, message),
        Some("FieldValueRequired") => FieldError::required(field, &message),
        Some("FieldValueDuplicate") if is_whole => {
            FieldError::new("FieldValueDuplicate", field, "Duplicate value")
        }
        Some("FieldValueDuplicate") => FieldError::new(
            "FieldValueDuplicate",
            field,
            format!("Duplicate value: {value}"),
        ),
        _ if is_whole => {
            let message = format!("Invalid value: {message}");
            FieldError::new("FieldValueInvalid", field, message)
        }
        _ => FieldError::invalid(field, value, message),
    }
}

/// Where a rule's `fieldPath` leads: `.a['b']` is told as `a[b]`.
fn field_of(field: &str, below: &str) -> String {
    let below = below.replace("['", "[").replace("']", "]");
    let below = below.trim_start_matches('.');
    match (below.is_empty(), field.is_empty()) {
        (true, _) => field.to_owned(),
        (false, true) => below.to_owned(),
        (false, false) if below.starts_with('[') => format!("{field}{below}"),
        (false, false) => format!("{field}.{below}"),
    }
}

/// The root has no name of its own.
fn or_nil(field: String) -> String {
    if field.is_empty() {
        "<nil>".to_owned()
    } else {
        field
    }
}

/// Go's words for what the evaluator says.
fn evaluation(message: &str) -> String {
    let message = message.trim_start_matches("rule evaluation error: ");
    if let Some(key) = message.strip_prefix("No such key: ") {
        return format!("no such key: {key}");
    }
    let begins = [
        ("Division by zero", "division by zero"),
        ("Remainder by zero", "modulus by zero"),
        ("Index out of bounds", "index out of bounds"),
    ];
    let known = begins.iter().find(|(begin, _)| message.starts_with(begin));
    known.map_or(message, |(_, words)| words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(schema: &Value, value: &Value, old: Option<&Value>) -> Vec<String> {
        let errors = check(value, old, &Schema::parse(schema));
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules_are_asked_where_they_stand() {
        let schema = json!({"type": "object", KEYWORD: [{"rule": "self.spec.n < 9", "message": "too many"}],
        "properties": {"spec": {"type": "object",
            KEYWORD: [{"rule": "self.n <= self.m", "message": "n is more", "fieldPath": ".n"}],
            "properties": {
                "n": {"type": "integer", KEYWORD: [{"rule": "self > 0", "reason": "FieldValueForbidden"}]},
                "m": {"type": "integer"},
                "t": {"type": "string", KEYWORD: [{"rule": "self != 'x'", "messageExpression": "'not ' + self"}]},
            }}}});
        let rows = [
            (json!({"n": 1, "m": 2, "t": "a"}), ""),
            (
                json!({"n": 0, "m": 2}),
                "spec.n: Forbidden: failed rule: self > 0",
            ),
            (json!({"n": 3, "m": 2}), "spec.n: Invalid value: n is more"),
            (
                json!({"n": 1, "m": 2, "t": "x"}),
                "spec.t: Invalid value: \"x\": not x",
            ),
            (json!({"n": 9, "m": 9}), "<nil>: Invalid value: too many"),
        ];
        for (spec, expected) in rows {
            let found = broken(&schema, &json!({"spec": spec}), None).join("; ");
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn rules_about_changes_know_elements_by_their_keys() {
        let immutable = json!([{"rule": "self == oldSelf", "message": "immutable"}]);
        let list = |list_type: &str| {
            json!({"type": "object", "properties": {"l": {
                "type": "array", "x-kubernetes-list-type": list_type, "x-kubernetes-list-map-keys": ["k"],
                "items": {"type": "object", "properties": {
                    "k": {"type": "string"}, "v": {"type": "integer", KEYWORD: immutable},
                }},
            }}})
        };
        let old = json!({"l": [{"k": "a", "v": 1}, {"k": "b", "v": 2}]});
        let turned = json!({"l": [{"k": "b", "v": 2}, {"k": "a", "v": 1}]});
        let changed = json!({"l": [{"k": "b", "v": 2}, {"k": "a", "v": 7}]});
        assert!(broken(&list("map"), &turned, Some(&old)).is_empty());
        assert_eq!(
            broken(&list("map"), &changed, Some(&old)),
            ["l[1].v: Invalid value: 7: immutable"]
        );
        assert!(broken(&list("map"), &changed, None).is_empty());
        assert!(broken(&list("atomic"), &changed, Some(&old)).is_empty());
    }

    #[test]
    fn what_does_not_compile_is_told() {
        let node = json!({KEYWORD: [{"rule": "self.a > 0"}, {"rule": "self.a >"}]});
        let errors = compile_errors(&node);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].0, 1);
    }
}
