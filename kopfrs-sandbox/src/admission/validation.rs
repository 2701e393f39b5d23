//! What is wrong with a configuration of webhooks.

use std::collections::BTreeSet;

use serde_json::Value;

use super::condition;
use crate::{
    error::FieldError,
    object::text,
    strategy::{
        field::Field,
        names::{label_1035, qualified_name, subdomain},
    },
    webhook::validation,
};

mod rules;

/// Versions of reviews that can be sent.
const REVIEWS: &str = "v1, v1beta1";
const CONDITIONS: usize = 64;

/// Everything wrong with a configuration.
pub(crate) fn validate(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let webhooks = Field::root(value, "webhooks");
    let mut names = BTreeSet::new();
    for webhook in webhooks.items() {
        validate_webhook(&webhook, &mut errors);
        let name = webhook.member("name");
        if !name.text().is_empty() && !names.insert(name.text().to_owned()) {
            errors.push(name.duplicate());
        }
    }
    errors
}

fn validate_webhook(webhook: &Field<'_>, errors: &mut Vec<FieldError>) {
    errors.extend(validate_name(&webhook.member("name")));
    for rule in webhook.member("rules").items() {
        rules::validate(&rule, errors);
    }
    for (field, words) in [
        ("failurePolicy", ["Fail", "Ignore"]),
        ("matchPolicy", ["Equivalent", "Exact"]),
        ("reinvocationPolicy", ["IfNeeded", "Never"]),
        ("sideEffects", ["None", "NoneOnDryRun"]),
    ] {
        errors.extend(webhook.member(field).one_of(&words));
    }
    let side_effects = webhook.member("sideEffects");
    if side_effects.value.is_null() {
        errors.push(side_effects.required("must specify one of None, NoneOnDryRun"));
    }
    let timeout = webhook.member("timeoutSeconds");
    if timeout
        .value
        .as_i64()
        .is_some_and(|seconds| !(1..=30).contains(&seconds))
    {
        errors.push(timeout.invalid("the timeout value must be between 1 and 30 seconds"));
    }
    for field in ["namespaceSelector", "objectSelector"] {
        webhook.member(field).selector(errors);
    }
    validation::validate(&webhook.member("clientConfig"), errors);
    validate_conditions(&webhook.member("matchConditions"), errors);
    validate_versions(&webhook.member("admissionReviewVersions"), errors);
}

fn validate_name(name: &Field<'_>) -> Option<FieldError> {
    if name.text().is_empty() {
        return Some(name.required(""));
    }
    let wrong = subdomain(name.text());
    if !wrong.is_empty() {
        return Some(name.invalid(&wrong.join(",")));
    }
    let why = "should be a domain with at least three segments separated by dots";
    (name.text().split('.').count() < 3).then(|| name.invalid(why))
}

fn validate_conditions(conditions: &Field<'_>, errors: &mut Vec<FieldError>) {
    let count = conditions.items().count();
    if count > CONDITIONS {
        let why = format!("Too many: {count}: must have at most {CONDITIONS} items");
        errors.push(FieldError::new(
            "FieldValueTooMany",
            conditions.path.as_str(),
            why,
        ));
    }
    let mut names = BTreeSet::new();
    for one in conditions.items() {
        let expression = one.member("expression");
        if expression.text().trim().is_empty() {
            errors.push(expression.required(""));
        } else if let Some(why) = condition::compile_error(expression.text()) {
            errors.push(expression.invalid(&format!("compilation failed: {why}")));
        }
        let name = one.member("name");
        if name.text().is_empty() {
            errors.push(name.required(""));
            continue;
        }
        let wrong = qualified_name(name.text());
        errors.extend(wrong.iter().map(|why| name.invalid(why)));
        if !names.insert(name.text().to_owned()) {
            errors.push(name.duplicate());
        }
    }
}

fn validate_versions(versions: &Field<'_>, errors: &mut Vec<FieldError>) {
    if versions.is_empty() {
        errors.push(versions.required(&format!("must specify one of {REVIEWS}")));
        return;
    }
    let mut seen = BTreeSet::new();
    for version in versions.items() {
        if !seen.insert(version.text().to_owned()) {
            errors.push(version.invalid("duplicate version"));
            continue;
        }
        let wrong = label_1035(version.text());
        errors.extend(wrong.iter().map(|why| version.invalid(why)));
    }
    if !seen.contains("v1") && !seen.contains("v1beta1") {
        errors.push(versions.invalid(&format!("must include at least one of {REVIEWS}")));
    }
}

/// Says why a configuration cannot be decoded.
pub(crate) fn check_types(value: &Value) -> Result<(), String> {
    let webhooks = value["webhooks"].as_array().into_iter().flatten();
    for webhook in webhooks {
        let Some(bundle) = text(webhook, &["clientConfig", "caBundle"]) else {
            continue;
        };
        validation::check_bundle(bundle)?;
    }
    Ok(())
}
