//! Filling in a schema's defaults.
//!
//! Runs on writes and on reads of what was stored before a default existed. An explicit null of a field that is not
//! nullable counts as absent.

use serde_json::Value;

use super::Schema;

/// Drops nulls that may not be and that no default stands in for.
pub(crate) fn drop_nulls(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, child| {
                let has_default = schema.properties.get(name);
                let has_default = has_default.is_some_and(|schema| schema.default.is_some());
                !child.is_null() || has_default || may_be_null(schema, name)
            });
            for (name, child) in fields {
                if let Some(schema) = schema.member(name) {
                    drop_nulls(child, schema);
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.items() else { return };
            for item in items {
                drop_nulls(item, schema);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn may_be_null(schema: &Schema, name: &str) -> bool {
    match schema.member(name) {
        Some(schema) => schema.nullable,
        None => schema.keeps_unknown() || name == "metadata",
    }
}

/// Drops nulls that may not be and puts defaults where nothing is.
pub(crate) fn apply(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, child| !child.is_null() || may_be_null(schema, name));
            for (name, schema) in &schema.properties {
                if let Some(default) = &schema.default
                    && !fields.contains_key(name)
                {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, child) in fields {
                if let Some(schema) = schema.member(name) {
                    apply(child, schema);
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.items() else { return };
            for item in items {
                if let Some(default) = schema
                    .default
                    .as_ref()
                    .filter(|_| item.is_null() && !schema.nullable)
                {
                    *item = default.clone();
                }
                apply(item, schema);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::parse(
            &json!({"type": "object", "properties": {"spec": {"type": "object", "default": {}, "properties": {
                "name": {"type": "string", "default": "anon"},
                "o": {"type": "object", "default": {}, "properties": {"a": {"type": "string", "default": "x"}}},
                "nul": {"type": "string", "nullable": true, "default": "d"},
                "l": {"type": "array", "items": {"type": "object", "properties": {"p": {"type": "string", "default": "TCP"}}}},
            }}}}),
        )
    }

    #[test]
    fn defaults_fill_in_at_every_level() {
        let check = |mut value: Value, expected: Value| {
            apply(&mut value, &schema());
            assert_eq!(value, expected);
        };
        check(
            json!({}),
            json!({"spec": {"name": "anon", "o": {"a": "x"}, "nul": "d"}}),
        );
        check(
            json!({"spec": {"name": null, "o": null}}),
            json!({"spec": {"name": "anon", "o": {"a": "x"}, "nul": "d"}}),
        );
        let mut converted =
            json!({"spec": {"name": null, "nul": null, "l": [{"p": null}]}, "status": null});
        drop_nulls(&mut converted, &schema());
        assert_eq!(
            converted,
            json!({"spec": {"name": null, "nul": null, "l": [{"p": null}]}})
        );
        check(
            json!({"spec": {"name": "", "nul": null, "l": [{}, {"p": "UDP"}]}}),
            json!({"spec": {"name": "", "nul": null, "o": {"a": "x"}, "l": [{"p": "TCP"}, {"p": "UDP"}]}}),
        );
    }
}
