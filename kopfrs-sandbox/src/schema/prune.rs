//! Dropping what a schema does not declare.
//!
//! Called for each write and for reads in another version. The dropped paths become warnings or errors upstream.

use serde_json::Value;

use super::{Additional, Schema};
use crate::strategy::metadata;

/// Prunes a whole custom resource (without `apiVersion`, `kind` and `metadata`, which are not the schema's) and names
/// the dropped fields.
pub(crate) fn prune(value: &mut Value, schema: &Schema) -> Vec<String> {
    let mut dropped = Vec::new();
    if let Value::Object(fields) = value {
        let metadata = fields.remove("metadata");
        let type_meta: Vec<_> = ["apiVersion", "kind"]
            .into_iter()
            .filter_map(|name| fields.remove_entry(name))
            .collect();
        prune_value(value, schema, "", &mut dropped);
        if let Value::Object(fields) = value {
            fields.extend(metadata.map(|metadata| ("metadata".to_owned(), metadata)));
            fields.extend(type_meta);
        }
    }
    dropped
}

fn prune_value(value: &mut Value, schema: &Schema, path: &str, dropped: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let embedded = schema.embedded_resource;
            fields.retain(|name, _| {
                let known = schema.properties.contains_key(name)
                    || schema.preserve_unknown
                    || matches!(
                        schema.additional,
                        Additional::Like(_) | Additional::Any(true)
                    )
                    || (embedded && matches!(name.as_str(), "apiVersion" | "kind" | "metadata"));
                if !known {
                    dropped.push(join(path, name));
                }
                known
            });
            for (name, child) in fields {
                let below = join(path, name);
                if embedded && name == "metadata" {
                    let unknown = metadata::drop_unknown(child);
                    dropped.extend(unknown.into_iter().map(|name| join(&below, &name)));
                } else if let Some(schema) = schema.member(name) {
                    prune_value(child, schema, &below, dropped);
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.items() else { return };
            for (index, item) in items.iter_mut().enumerate() {
                prune_value(item, schema, &format!("{path}[{index}]"), dropped);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_go_at_every_level() {
        let schema = Schema::parse(
            &json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "known": {"type": "string"},
                "keep": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"v": {"type": "string"}}}},
                "l": {"type": "array", "items": {"type": "object", "properties": {"v": {"type": "string"}}}},
            }}}}),
        );
        let mut value = json!({"metadata": {"name": "a"}, "top": 1, "spec": {
            "known": "k", "unknown": 1, "keep": {"any": 1}, "m": {"k": {"v": "1", "x": 2}}, "l": [{"x": 2}],
        }});
        let mut dropped = prune(&mut value, &schema);
        dropped.sort();
        assert_eq!(
            dropped,
            ["spec.l[0].x", "spec.m.k.x", "spec.unknown", "top"]
        );
        let spec = json!({"known": "k", "keep": {"any": 1}, "m": {"k": {"v": "1"}}, "l": [{}]});
        assert_eq!(value, json!({"metadata": {"name": "a"}, "spec": spec}));
    }
}
