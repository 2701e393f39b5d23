//! `allOf`, `anyOf`, `oneOf` and `not`.

use serde_json::Value;

use super::{
    Schema,
    validate::{self, Place},
};
use crate::error::FieldError;

pub(super) fn check(value: &Value, schema: &Schema, place: &Place, errors: &mut Vec<FieldError>) {
    let failures = |schema: &Schema| {
        let mut found = Vec::new();
        validate::check(value, schema, place, &mut found);
        found
    };
    if !schema.one_of.is_empty() {
        let mut results: Vec<Vec<FieldError>> = schema.one_of.iter().map(failures).collect();
        let valid = results.iter().filter(|found| found.is_empty()).count();
        let rule = format!(
            "{:?} must validate one and only one schema (oneOf).",
            place.text
        );
        if valid == 0 {
            errors.push(Place::nameless(&format!("{rule} Found none valid")));
            errors.append(&mut results[0]);
        } else if valid > 1 {
            errors.push(Place::nameless(&format!(
                "{rule} Found {valid} valid alternatives"
            )));
        }
    }
    if !schema.any_of.is_empty() {
        let mut results: Vec<Vec<FieldError>> = schema.any_of.iter().map(failures).collect();
        if results.iter().all(|found| !found.is_empty()) {
            errors.push(Place::nameless(&format!(
                "{:?} must validate at least one schema (anyOf)",
                place.text
            )));
            errors.append(&mut results[0]);
        }
    }
    let mut all: Vec<FieldError> = schema.all_of.iter().flat_map(failures).collect();
    if !all.is_empty() {
        errors.push(Place::nameless(&format!(
            "{:?} must validate all the schemas (allOf)",
            place.text
        )));
        errors.append(&mut all);
    }
    if schema
        .not
        .as_ref()
        .is_some_and(|not| failures(not).is_empty())
    {
        errors.push(Place::nameless(&format!(
            "{:?} must not validate the schema (not)",
            place.text
        )));
    }
}
