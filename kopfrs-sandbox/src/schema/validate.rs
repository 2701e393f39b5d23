//! Finding what a schema forbids, in a real server's words.
//!
//! A real server validates with go-openapi's validators; the odd texts (`<nil>`, "in body") are theirs.

use serde_json::{Number, Value, json};

use super::{Additional, Limits, Schema, combined, duplicates, format};
use crate::error::FieldError;

/// Where a value is: as errors name the field, and as their texts do.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) field: String,
    pub(super) text: String,
}

impl Place {
    pub(super) fn member(&self, name: &str) -> Self {
        let join = |path: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        Self {
            field: join(&self.field),
            text: join(&self.text),
        }
    }

    pub(super) fn item(&self, index: usize) -> Self {
        Self {
            field: format!("{}[{index}]", self.field),
            text: format!("{}[{index}]", self.text),
        }
    }

    fn invalid(&self, value: &Value, why: &str) -> FieldError {
        FieldError::invalid(&self.field, value, format!("{} in body {why}", self.text))
    }

    fn mistyped(&self, shown: &Value, wanted: &str) -> FieldError {
        let message = format!(
            "Invalid value: {shown}: {} in body must be of type {wanted}: {shown}",
            self.text
        );
        FieldError::new("FieldValueTypeInvalid", &self.field, message)
    }

    /// Errors of combined schemas name no field.
    pub(super) fn nameless(message: &str) -> FieldError {
        FieldError::new(
            "FieldValueInvalid",
            "<nil>",
            format!("Invalid value: \"\": {message}"),
        )
    }
}

/// All violations of an object, or only of its `status` when that is what is written.
pub(crate) fn validate(value: &Value, schema: &Schema, part: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if part.is_empty() {
        let place = Place {
            field: String::new(),
            text: String::new(),
        };
        check(value, schema, &place, &mut errors);
        if errors.is_empty() {
            duplicates::check(value, schema, &place, &mut errors);
        }
    } else if let (Some(value), Some(schema)) = (value.get(part), schema.member(part)) {
        // The texts of a subresource's errors begin at its own root.
        let place = Place {
            field: part.to_owned(),
            text: String::new(),
        };
        check(value, schema, &place, &mut errors);
        if errors.is_empty() {
            duplicates::check(value, schema, &place, &mut errors);
        }
    }
    errors
}

/// Violations of a schema's default value, fields named from `field`.
pub(crate) fn validate_default(value: &Value, schema: &Schema, field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check(
        value,
        schema,
        &Place {
            field: field.to_owned(),
            text: String::new(),
        },
        &mut errors,
    );
    errors
}

pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

pub(super) fn check(value: &Value, schema: &Schema, place: &Place, errors: &mut Vec<FieldError>) {
    check_type(value, schema, place, errors);
    combined::check(value, schema, place, errors);
    let limits = &schema.limits;
    if let Some(choices) = &limits.choices
        && !choices.contains(value)
    {
        // Whatever they are, they are shown as texts.
        let supported: Vec<String> = choices
            .iter()
            .map(|choice| match choice {
                Value::String(_) => choice.to_string(),
                other => format!("\"{other}\""),
            })
            .collect();
        let message = format!(
            "Unsupported value: {value}: supported values: {}",
            supported.join(", ")
        );
        errors.push(FieldError::new(
            "FieldValueNotSupported",
            &place.field,
            message,
        ));
    }
    match value {
        Value::String(text) => check_string(value, text, limits, place, errors),
        Value::Number(number) => check_number(value, number, limits, place, errors),
        Value::Array(items) => check_array(value, items, schema, place, errors),
        Value::Object(_) => check_object(value, schema, place, errors),
        Value::Null | Value::Bool(_) => {}
    }
}

fn check_type(value: &Value, schema: &Schema, place: &Place, errors: &mut Vec<FieldError>) {
    if value.is_null() && schema.nullable {
        return;
    }
    let found = type_name(value);
    let shown = json!(found);
    if schema.int_or_string {
        if !matches!(found, "integer" | "string") {
            errors.push(place.mistyped(&shown, "integer,string"));
        }
        return;
    }
    let Some(wanted) = schema.kind.as_deref() else {
        return;
    };
    if wanted == found || (wanted == "number" && found == "integer") {
        return;
    }
    if wanted == "integer" && found == "number" {
        let message = format!(
            "Checked value must be of type integer (default format) in {}",
            place.text
        );
        errors.push(Place::nameless(&message));
    }
    errors.push(place.mistyped(&shown, wanted));
}

/// Only the first broken limit is told.
fn check_string(
    value: &Value,
    text: &str,
    limits: &Limits,
    place: &Place,
    errors: &mut Vec<FieldError>,
) {
    let length = text.chars().count() as u64;
    if let Some(limit) = limits.max_length.filter(|limit| length > *limit) {
        let message = format!("Too long: may not be more than {limit} bytes");
        errors.push(FieldError::new("FieldValueTooLong", &place.field, message));
    } else if let Some(limit) = limits.min_length.filter(|limit| length < *limit) {
        errors.push(place.invalid(value, &format!("should be at least {limit} chars long")));
    } else if let Some((pattern, Some(regex))) = &limits.pattern
        && !regex.is_match(text)
    {
        errors.push(place.invalid(value, &format!("should match '{pattern}'")));
    }
    if let Some(format) = &limits.format
        && !format::fits(format, text)
    {
        errors.push(place.mistyped(value, format));
    }
}

fn check_number(
    value: &Value,
    number: &Number,
    limits: &Limits,
    place: &Place,
    errors: &mut Vec<FieldError>,
) {
    let Some(float) = number.as_f64() else { return };
    if limits.format.as_deref() == Some("int32")
        && number
            .as_i64()
            .is_none_or(|number| i32::try_from(number).is_err())
    {
        let message = format!(
            "Checked value must be of type integer with format int32 in {}",
            place.text
        );
        errors.push(Place::nameless(&message));
    }
    if let Some(limit) = limits
        .multiple_of
        .filter(|limit| *limit != 0.0 && (float / limit).fract() != 0.0)
    {
        errors.push(place.invalid(value, &format!("should be a multiple of {limit}")));
    }
    if let Some(limit) = limits.maximum {
        if limits.exclusive_maximum && float >= limit {
            errors.push(place.invalid(value, &format!("should be less than {limit}")));
        } else if float > limit {
            errors.push(place.invalid(value, &format!("should be less than or equal to {limit}")));
        }
    }
    if let Some(limit) = limits.minimum {
        if limits.exclusive_minimum && float <= limit {
            errors.push(place.invalid(value, &format!("should be greater than {limit}")));
        } else if float < limit {
            errors.push(place.invalid(
                value,
                &format!("should be greater than or equal to {limit}"),
            ));
        }
    }
}

fn check_array(
    value: &Value,
    items: &[Value],
    schema: &Schema,
    place: &Place,
    errors: &mut Vec<FieldError>,
) {
    let limits = &schema.limits;
    let length = items.len() as u64;
    if let Some(limit) = limits.min_items.filter(|limit| length < *limit) {
        errors.push(place.invalid(
            &json!(length),
            &format!("should have at least {limit} items"),
        ));
    }
    if let Some(limit) = limits.max_items.filter(|limit| length > *limit) {
        errors.push(too_many(place, length, limit));
    }
    if limits.unique_items && (1..items.len()).any(|at| items[..at].contains(&items[at])) {
        errors.push(place.invalid(value, "shouldn't contain duplicates"));
    }
    if let Some(schema) = schema.items() {
        for (index, item) in items.iter().enumerate() {
            check(item, schema, &place.item(index), errors);
        }
    }
}

fn too_many(place: &Place, count: u64, limit: u64) -> FieldError {
    let message = format!("Too many: {count}: must have at most {limit} items");
    FieldError::new("FieldValueTooMany", &place.field, message)
}

fn check_object(value: &Value, schema: &Schema, place: &Place, errors: &mut Vec<FieldError>) {
    let Value::Object(fields) = value else { return };
    let limits = &schema.limits;
    let count = fields.len() as u64;
    if let Some(limit) = limits.max_properties.filter(|limit| count > *limit) {
        errors.push(too_many(place, count, limit));
    }
    if let Some(limit) = limits.min_properties.filter(|limit| count < *limit) {
        errors.push(place.invalid(
            &json!(count),
            &format!("should have at least {limit} properties"),
        ));
    }
    let embedded: &[&str] = if schema.embedded_resource {
        &["apiVersion", "kind"]
    } else {
        &[]
    };
    let required = limits
        .required
        .iter()
        .map(String::as_str)
        .chain(embedded.iter().copied());
    for name in required.filter(|name| !fields.contains_key(*name)) {
        errors.push(FieldError::required(place.member(name).field, ""));
    }
    for (name, child) in fields {
        if let Some(schema) = schema.member(name) {
            check(child, schema, &place.member(name), errors);
        } else if matches!(schema.additional, Additional::Any(false)) && !schema.preserve_unknown {
            errors.push(FieldError::forbidden(
                place.member(name).field,
                "is a forbidden property",
            ));
        }
    }
}

#[cfg(test)]
mod tests;
