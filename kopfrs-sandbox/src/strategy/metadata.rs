//! Rules for `metadata`, the same for all kinds.
//!
//! Called for each write: decoding (types, unknown members), cleaning (what Go leaves out when empty) and validation.

use serde_json::{Value, json};

use super::{
    names::{NameRule, label_value, qualified_name},
    owners::validate_owners,
};
use crate::{
    error::FieldError,
    object::{Fields, is_deleting, meta, meta_list},
};

/// All annotations of an object together.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

const MEMBERS: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Removes members that `ObjectMeta` does not have and names them.
pub(crate) fn drop_unknown(metadata: &mut Value) -> Vec<String> {
    let mut dropped = Vec::new();
    if let Value::Object(fields) = metadata {
        fields.retain(|name, _| {
            let known = MEMBERS.contains(&name.as_str());
            if !known {
                dropped.push(name.clone());
            }
            known
        });
    }
    dropped
}

/// Says why `metadata` cannot be decoded, in the style of Go's decoder.
pub(crate) fn check_types(object: &Value) -> Result<(), String> {
    let fields = match object.get("metadata") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(fields)) => fields,
        Some(other) => return Err(mismatch(other, "metadata", "v1.ObjectMeta")),
    };
    for name in [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "selfLink",
    ] {
        expect(fields, name, "string", Value::is_string)?;
    }
    for name in ["creationTimestamp", "deletionTimestamp"] {
        expect(fields, name, "v1.Time", |value| {
            value
                .as_str()
                .is_some_and(|time| crate::clock::parse_rfc3339(time).is_some())
        })?;
    }
    for name in ["generation", "deletionGracePeriodSeconds"] {
        expect(fields, name, "int64", Value::is_i64)?;
    }
    for name in ["labels", "annotations"] {
        let strings = |value: &Value| {
            value
                .as_object()
                .is_some_and(|map| map.values().all(|v| v.is_string() || v.is_null()))
        };
        expect(fields, name, "map[string]string", strings)?;
    }
    let strings = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string))
    };
    expect(fields, "finalizers", "[]string", strings)?;
    let objects = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_object))
    };
    expect(fields, "ownerReferences", "[]v1.OwnerReference", objects)?;
    expect(fields, "managedFields", "[]v1.ManagedFieldsEntry", objects)
}

fn expect(
    fields: &Fields,
    name: &str,
    kind: &str,
    fits: impl Fn(&Value) -> bool,
) -> Result<(), String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(value) if fits(value) => Ok(()),
        Some(value) => Err(mismatch(value, &format!("metadata.{name}"), kind)),
    }
}

/// `json: cannot unmarshal <what> into Go struct field <field> of type <kind>`.
pub(crate) fn mismatch(value: &Value, field: &str, kind: &str) -> String {
    let what = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {what} into Go struct field {field} of type {kind}")
}

/// Leaves out what a Go server leaves out: nulls, empty collections, empty strings, zero generations, self links.
pub(crate) fn clean(metadata: &mut Fields) {
    metadata.remove("selfLink");
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels
            .values_mut()
            .filter(|value| value.is_null())
            .for_each(|value| *value = json!(""));
    }
    metadata.retain(|name, value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Number(number) => name != "generation" || number.as_i64() != Some(0),
        Value::Bool(_) => true,
    });
}

/// What validation depends on besides the object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) name: NameRule,
    /// Kinds of the core demand finalizers with a domain, others only advise it.
    pub(crate) qualified_finalizers: bool,
    /// Whether an update is checked as a new object, too, beside what it changes.
    pub(crate) checks_anew: bool,
}

/// Validates the metadata of an object to create.
pub(crate) fn validate(object: &Value, rules: Rules) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let generate = meta(object, "generateName");
    if !generate.is_empty() {
        let found = rules.name.check_prefix(generate);
        errors.extend(
            found
                .into_iter()
                .map(|why| FieldError::invalid("metadata.generateName", &json!(generate), why)),
        );
    }
    let name = meta(object, "name");
    if name.is_empty() {
        errors.push(FieldError::required(
            "metadata.name",
            "name or generateName is required",
        ));
    } else {
        let found = rules.name.check(name);
        errors.extend(
            found
                .into_iter()
                .map(|why| FieldError::invalid("metadata.name", &json!(name), why)),
        );
    }
    validate_contents(object, &mut errors);
    validate_finalizers(object, rules, &mut errors);
    errors
}

fn validate_contents(object: &Value, errors: &mut Vec<FieldError>) {
    let metadata = &object["metadata"];
    validate_labels(&metadata["labels"], "metadata.labels", errors);
    validate_annotations(&metadata["annotations"], "metadata.annotations", errors);
    validate_owners(&metadata["ownerReferences"], errors);
}

fn validate_finalizers(object: &Value, rules: Rules, errors: &mut Vec<FieldError>) {
    let policies = |finalizer: &&str| matches!(*finalizer, "orphan" | "foregroundDeletion");
    if meta_list(object, "finalizers").filter(policies).count() > 1 {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        let finalizers = &object["metadata"]["finalizers"];
        errors.push(FieldError::invalid("metadata.finalizers", finalizers, why));
    }
    for (index, finalizer) in meta_list(object, "finalizers").enumerate() {
        let found = qualified_name(finalizer);
        errors.extend(
            found
                .iter()
                .map(|why| FieldError::invalid("metadata.finalizers", &json!(finalizer), why)),
        );
        if rules.qualified_finalizers && !is_qualified(finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(
                format!("metadata.finalizers[{index}]"),
                &json!(finalizer),
                why,
            ));
        }
    }
}

/// Whether a finalizer is nobody else's by accident.
pub(super) fn is_qualified(finalizer: &str) -> bool {
    finalizer.contains('/') || STANDARD_FINALIZERS.contains(&finalizer)
}

/// What is wrong with labels, told of a field.
pub(crate) fn validate_labels(labels: &Value, field: &str, errors: &mut Vec<FieldError>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        let mut refuse = |text: &str, found: Vec<String>| {
            let found = found.iter();
            errors.extend(found.map(|why| FieldError::invalid(field, &json!(text), why)));
        };
        refuse(key, qualified_name(key));
        refuse(value, label_value(value));
    }
}

/// What is wrong with annotations, told of a field.
pub(crate) fn validate_annotations(annotations: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        size += key.len() + value.as_str().unwrap_or_default().len();
        let found = qualified_name(&key.to_lowercase());
        let found = found.iter();
        errors.extend(found.map(|why| FieldError::invalid(field, &json!(key), why)));
    }
    if size > ANNOTATIONS_LIMIT {
        let message = format!("Too long: may not be more than {ANNOTATIONS_LIMIT} bytes");
        errors.push(FieldError::new("FieldValueTooLong", field, message));
    }
}

/// Validates changed metadata. System fields were carried over before, so a difference is the client's doing.
pub(crate) fn validate_update(new: &Value, old: &Value, rules: Rules) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let (before, after) = (&old["metadata"][field], &new["metadata"][field]);
        if before != after {
            // A real server finds these twice, and says so.
            let error = FieldError::immutable(format!("metadata.{field}"), after);
            errors.extend([error.clone(), error]);
        }
    }
    if is_deleting(old) {
        let present: Vec<&str> = meta_list(old, "finalizers").collect();
        let added: Vec<&str> = meta_list(new, "finalizers")
            .filter(|finalizer| !present.contains(finalizer))
            .collect();
        if !added.is_empty() {
            let list: Vec<String> = added
                .iter()
                .map(|finalizer| format!("{finalizer:?}"))
                .collect();
            let why = "no new finalizers can be added if the object is being deleted, found new finalizers";
            let error = FieldError::forbidden(
                "metadata.finalizers",
                format!("{why} []string{{{}}}", list.join(", ")),
            );
            errors.extend([error.clone(), error]);
        }
    }
    // Several layers of a real server look at the same, and all tell what they find.
    let mut contents = Vec::new();
    validate_contents(new, &mut contents);
    let mut finalizers = Vec::new();
    validate_finalizers(new, rules, &mut finalizers);
    let anew = usize::from(rules.checks_anew);
    errors.extend(repeated(&contents, 3 + anew));
    errors.extend(repeated(&finalizers, 1 + anew));
    errors
}

fn repeated(errors: &[FieldError], times: usize) -> impl Iterator<Item = FieldError> {
    std::iter::repeat_n(errors, times).flatten().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        name: NameRule::Subdomain,
        qualified_finalizers: true,
        checks_anew: true,
    };

    fn fields(object: &Value) -> Vec<String> {
        validate(object, RULES)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn wrong_metadata_is_named() {
        let check = |metadata: Value, begin: &str| {
            let found = fields(&json!({"metadata": metadata}));
            assert!(
                found.iter().any(|error| error.starts_with(begin)),
                "{begin}: {found:?}"
            );
        };
        check(
            json!({}),
            "metadata.name: Required value: name or generateName is required",
        );
        check(
            json!({"name": "UPPER"}),
            "metadata.name: Invalid value: \"UPPER\": a lowercase RFC 1123 subdomain",
        );
        check(
            json!({"name": "a", "labels": {"k": "not valid!"}}),
            "metadata.labels: Invalid value: \"not valid!\": a valid",
        );
        check(
            json!({"name": "a", "finalizers": ["x"]}),
            "metadata.finalizers[0]: Invalid value: \"x\": name is neither",
        );
        let big = "x".repeat(ANNOTATIONS_LIMIT);
        check(
            json!({"name": "a", "annotations": {"k": big}}),
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        );
        assert!(
            fields(&json!({"metadata": {"name": "a", "annotations": {"a/B": "x"}}})).is_empty()
        );
    }
}
