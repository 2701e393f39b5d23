//! Rules of webhooks.

use std::collections::BTreeSet;

use crate::{error::FieldError, strategy::field::Field};

const ALL: &str = "*";

pub(super) fn validate(rule: &Field<'_>, errors: &mut Vec<FieldError>) {
    let operations = rule.member("operations");
    not_empty(&operations, errors);
    alone(&operations, "operations", errors);
    let known = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    errors.extend(operations.items().filter_map(|one| one.one_of(&known)));

    let groups = rule.member("apiGroups");
    not_empty(&groups, errors);
    alone(&groups, "API groups", errors);

    let versions = rule.member("apiVersions");
    not_empty(&versions, errors);
    alone(&versions, "API versions", errors);
    let empty = versions.items().filter(|version| version.text().is_empty());
    errors.extend(empty.map(|version| version.required("")));

    validate_resources(&rule.member("resources"), errors);
    let scopes = ["*", "Cluster", "Namespaced"];
    errors.extend(rule.member("scope").one_of(&scopes));
}

fn not_empty(list: &Field<'_>, errors: &mut Vec<FieldError>) {
    if list.is_empty() {
        errors.push(list.required(""));
    }
}

/// The star stands alone.
fn alone(list: &Field<'_>, what: &str, errors: &mut Vec<FieldError>) {
    let count = list.items().count();
    if count > 1 && list.items().any(|one| one.text() == ALL) {
        errors.push(list.invalid(&format!("if '*' is present, must not specify other {what}")));
    }
}

fn validate_resources(resources: &Field<'_>, errors: &mut Vec<FieldError>) {
    not_empty(resources, errors);
    let mut all_of_resource = BTreeSet::new();
    let mut of_all_resources = BTreeSet::new();
    let mut has_plain = false;
    for resource in resources.items() {
        let text = resource.text();
        if text.is_empty() {
            errors.push(resource.required(""));
            continue;
        }
        let Some((name, subresource)) = text.split_once('/') else {
            has_plain = text != ALL;
            continue;
        };
        if all_of_resource.contains(name) {
            let why = format!("if '{name}/*' is present, must not specify {text}");
            errors.push(resource.invalid(&why));
        }
        if of_all_resources.contains(subresource) {
            let why = format!("if '*/{subresource}' is present, must not specify {text}");
            errors.push(resource.invalid(&why));
        }
        if subresource == ALL {
            all_of_resource.insert(name.to_owned());
        }
        if name == ALL {
            of_all_resources.insert(subresource.to_owned());
        }
    }
    let has = |wanted: &str| resources.items().any(|resource| resource.text() == wanted);
    if has("*/*") && resources.items().count() > 1 {
        errors.push(resources.invalid("if '*/*' is present, must not specify other resources"));
    }
    if has(ALL) && has_plain {
        let why = "if '*' is present, must not specify other resources without subresources";
        errors.push(resources.invalid(why));
    }
}
