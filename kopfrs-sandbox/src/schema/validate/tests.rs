use super::*;

fn schema() -> Schema {
    Schema::parse(
        &json!({"type": "object", "required": ["spec"], "properties": {
            "spec": {"type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 10},
                "color": {"type": "string", "enum": ["red", "blue"]},
                "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
                "list": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
                "any": {"x-kubernetes-int-or-string": true},
                "nul": {"type": "string", "nullable": true},
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            }},
            "status": {"type": "object", "properties": {"n": {"type": "integer"}}},
        }}),
    )
}

fn found(value: &Value, part: &str) -> Vec<String> {
    validate(value, &schema(), part)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn violations_are_worded_like_a_real_servers() {
    let rows = [
        (json!({}), "spec.size: Required value"),
        (
            json!({"size": 0}),
            "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
        ),
        (
            json!({"size": "3"}),
            "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
        ),
        (
            json!({"size": 1, "color": "green"}),
            "spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"",
        ),
        (
            json!({"size": 1, "name": "A"}),
            "spec.name: Invalid value: \"A\": spec.name in body should be at least 2 chars long",
        ),
        (
            json!({"size": 1, "name": "AB"}),
            "spec.name: Invalid value: \"AB\": spec.name in body should match '^[a-z]+$'",
        ),
        (
            json!({"size": 1, "name": "abcdefg"}),
            "spec.name: Too long: may not be more than 5 bytes",
        ),
        (
            json!({"size": 1, "list": ["a", "b", "c"]}),
            "spec.list: Too many: 3: must have at most 2 items",
        ),
        (
            json!({"size": 1, "any": true}),
            "spec.any: Invalid value: \"boolean\": spec.any in body must be of type integer,string: \"boolean\"",
        ),
        (
            json!({"size": 1, "set": ["a", "a"]}),
            "spec.set[1]: Duplicate value: \"a\"",
        ),
    ];
    for (spec, expected) in rows {
        assert_eq!(found(&json!({"spec": spec}), ""), [expected]);
    }
    assert_eq!(found(&json!({}), ""), ["spec: Required value"]);
    assert!(found(&json!({"spec": {"size": 3, "any": "50%", "nul": null}}), "").is_empty());
}

#[test]
fn a_status_is_validated_from_its_own_root() {
    let expected =
        "status.n: Invalid value: \"string\": n in body must be of type integer: \"string\"";
    assert_eq!(
        found(&json!({"spec": {}, "status": {"n": "x"}}), "status"),
        [expected]
    );
}
