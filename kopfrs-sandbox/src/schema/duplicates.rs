//! Duplicates in lists that are sets or maps; looked for in otherwise valid objects only.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ListType, Schema, validate::Place};
use crate::error::FieldError;

pub(super) fn check(value: &Value, schema: &Schema, place: &Place, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            for (name, child) in fields {
                if let Some(schema) = schema.member(name) {
                    check(child, schema, &place.member(name), errors);
                }
            }
        }
        Value::Array(items) => {
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let identity = match &schema.list_type {
                    ListType::Atomic => continue,
                    ListType::Set => item.clone(),
                    ListType::Map(keys) => keys
                        .iter()
                        .filter_map(|key| Some((key.clone(), item.get(key)?.clone())))
                        .collect(),
                };
                if !seen.insert(identity.to_string()) {
                    let field = place.item(index).field;
                    errors.push(FieldError::new(
                        "FieldValueDuplicate",
                        field,
                        format!("Duplicate value: {identity}"),
                    ));
                }
            }
            if let Some(schema) = schema.items() {
                for (index, item) in items.iter().enumerate() {
                    check(item, schema, &place.item(index), errors);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
