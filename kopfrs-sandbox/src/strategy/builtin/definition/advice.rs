//! What definitions say that a server does not know, and lets pass.

use serde_json::Value;

use crate::schema::is_known_format;

/// One warning for each format that nobody checks.
pub(in crate::strategy::builtin) fn warnings(value: &Value) -> Vec<String> {
    let versions = value["spec"]["versions"].as_array().into_iter().flatten();
    let mut found = Vec::new();
    for version in versions {
        collect(&version["schema"]["openAPIV3Schema"], &mut found);
    }
    found
}

fn collect(schema: &Value, found: &mut Vec<String>) {
    if !schema.is_object() {
        return;
    }
    if let Some(format) = schema["format"].as_str()
        && !is_known_format(format)
    {
        let warning = format!("unrecognized format {format:?}");
        if !found.contains(&warning) {
            found.push(warning);
        }
    }
    let members = schema["properties"].as_object().into_iter().flatten();
    members.for_each(|(_, member)| collect(member, found));
    for name in ["items", "additionalProperties", "not"] {
        collect(&schema[name], found);
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        let branches = schema[name].as_array().into_iter().flatten();
        branches.for_each(|branch| collect(branch, found));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formats_that_nobody_checks_are_told_once() {
        let member = json!({"type": "string", "format": "odd"});
        let schema = json!({"properties": {
            "a": member, "b": {"items": member}, "c": {"format": "date-time"},
        }});
        let value = json!({"spec": {"versions": [{"schema": {"openAPIV3Schema": schema}}]}});
        assert_eq!(warnings(&value), ["unrecognized format \"odd\""]);
    }
}
