//! What is wrong with the amounts that a container asks for.

use serde_json::json;

use crate::{
    error::FieldError,
    quantity::Quantity,
    strategy::{field::Field, names},
};

pub(super) fn validate(resources: &Field<'_>, errors: &mut Vec<FieldError>) {
    let limits = resources.member("limits");
    let requests = resources.member("requests");
    for amounts in [&limits, &requests] {
        for (name, amount) in amounts.entries() {
            validate_name(name, &amount, errors);
            let parsed = Quantity::parse(amount.text());
            if parsed.is_some_and(Quantity::is_negative) {
                errors.push(amount.invalid("must be greater than or equal to 0"));
            }
        }
    }
    for (name, request) in requests.entries() {
        let limit = limits.member(name);
        let (Some(asked), Some(most)) = (
            Quantity::parse(request.text()),
            Quantity::parse(limit.text()),
        ) else {
            continue;
        };
        if asked.is_more_than(most) {
            let why = format!(
                "must be less than or equal to {name} limit of {}",
                limit.text()
            );
            errors.push(requests.invalid_as(&json!(request.text()), &why));
        }
    }
}

/// Names without a domain are Kubernetes' own.
fn validate_name(name: &str, amount: &Field<'_>, errors: &mut Vec<FieldError>) {
    let wrong = names::qualified_name(name);
    errors.extend(wrong.iter().map(|why| amount.invalid_as(&json!(name), why)));
    let is_known =
        ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-");
    if name.contains('/') || is_known {
        return;
    }
    let is_standard = ["storage", "pods", "services", "configmaps", "secrets"].contains(&name);
    if wrong.is_empty() && !is_standard {
        let why = "must be a standard resource type or fully qualified";
        errors.push(amount.invalid_as(&json!(name), why));
    }
    let why = "must be a standard resource for containers";
    errors.push(amount.invalid_as(&json!(name), why));
}
