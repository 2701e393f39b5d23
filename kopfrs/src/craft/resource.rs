//! `resource.json`: the schema of the spec. What a schema may say is for the API to judge; here it is only read.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::controller;
use super::mistake::{Findings, member};

/// Reads the file: the schema, less what cannot be read as one and what the API would drop.
pub(super) fn read(text: &str, findings: &mut Findings) -> Value {
    let Some(members) = controller::object(text, findings) else {
        return Value::Null;
    };
    let mut schema = Value::Object(members);
    let understood = understand(&mut schema, findings);
    drop_unknown(&mut schema, &understood, "$", findings);
    if schema["type"].is_string() && schema["type"] != "object" {
        let problem = "objects have a spec that is an object: write \"type\": \"object\"";
        findings.warning("$.type", problem);
    }
    schema
}

/// Reads a schema as often as it takes: what cannot be read is told of and taken out.
fn understand(schema: &mut Value, findings: &mut Findings) -> Value {
    loop {
        let error = match serde_path_to_error::deserialize::<_, JSONSchemaProps>(&*schema) {
            Ok(understood) => return serde_json::to_value(understood).unwrap_or_default(),
            Err(error) => error,
        };
        let segments: Vec<&Segment> = error.path().iter().collect();
        let path = segments
            .iter()
            .fold("$".to_owned(), |path, segment| match segment {
                Segment::Map { key } => member(&path, key),
                Segment::Seq { index } => format!("{path}[{index}]"),
                Segment::Enum { .. } | Segment::Unknown => path,
            });
        let keyword = path.rsplit('.').next().unwrap_or_default();
        let inner = error.inner().to_string();
        findings.mistake(&*path, format!("{inner}; {}", way_out(keyword)));
        if !remove(schema, &segments) {
            return Value::Null;
        }
    }
}

/// Takes a member out; whether there was one.
fn remove(schema: &mut Value, segments: &[&Segment]) -> bool {
    let Some((last, parents)) = segments.split_last() else {
        return false;
    };
    let parent = parents
        .iter()
        .try_fold(schema, |value, segment| match segment {
            Segment::Map { key } => value.get_mut(key),
            Segment::Seq { index } => value.get_mut(index),
            Segment::Enum { .. } | Segment::Unknown => Some(value),
        });
    match (parent, last) {
        (Some(Value::Object(members)), Segment::Map { key }) => members.remove(key).is_some(),
        (Some(Value::Array(items)), Segment::Seq { index }) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}

/// What schemas say differently in Kubernetes.
fn way_out(keyword: &str) -> &'static str {
    match keyword {
        "type" => "write one type, and \"nullable\": true if it may be null",
        "exclusiveMinimum" | "exclusiveMaximum" => {
            "write the bound as minimum or maximum, and true here"
        }
        "items" => "write one schema for all items",
        "required" => "write a list of the names of properties beside \"properties\"",
        _ => "write it as the schemas of definitions have it (OpenAPI 3.0)",
    }
}

/// Drops what the API does not know: it would do the same, and say so to nobody but kubectl.
fn drop_unknown(value: &mut Value, understood: &Value, path: &str, findings: &mut Findings) {
    match (value, understood) {
        (Value::Object(members), Value::Object(known)) => {
            members.retain(|name, value| {
                let is_known = known.contains_key(name);
                if !is_known && !value.is_null() {
                    let problem = "Kubernetes does not know this keyword, and nothing is checked by it: leave it out";
                    findings.warning(member(path, name), problem);
                }
                is_known
            });
            for (name, value) in members {
                drop_unknown(value, &known[name], &member(path, name), findings);
            }
        }
        (Value::Array(items), Value::Array(known)) => {
            for (index, (item, known)) in items.iter_mut().zip(known).enumerate() {
                drop_unknown(item, known, &format!("{path}[{index}]"), findings);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_cannot_be_read_is_told_of_and_left_out() {
        let text = json!({
            "type": ["object", "null"],
            "properties": {
                "size": {"type": "integer", "exclusiveMinimum": 5},
                "name": {"type": "string", "const": "a", "default": {"const": 1}},
                "list": {"type": "array", "items": {"type": "string", "maxLength": "9"}},
            },
        });
        let mut findings = Findings::of("resource.json");
        let schema = read(&text.to_string(), &mut findings);
        let mut paths: Vec<_> = findings.mistakes.0.iter().map(|m| &*m.path).collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "$.properties.list.items.maxLength",
                "$.properties.size.exclusiveMinimum",
                "$.type"
            ],
            "{}",
            findings.mistakes
        );
        assert_eq!(findings.warnings[0].path, "$.properties.name.const");
        assert_eq!(findings.warnings.len(), 1);
        assert_eq!(
            schema,
            json!({"properties": {
                "size": {"type": "integer"},
                "name": {"type": "string", "default": {"const": 1}},
                "list": {"type": "array", "items": {"type": "string"}},
            }})
        );
    }
}
