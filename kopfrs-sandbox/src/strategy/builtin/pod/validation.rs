//! What is wrong with a pod spec, in a Pod or in a template.

use serde_json::{Value, json};

use super::{container, volume};
use crate::{
    error::FieldError,
    strategy::{
        field::{Field, Names},
        names,
    },
};

/// Why a name is not acceptable.
type Rule = fn(&str) -> Vec<String>;

const LONGEST_DEADLINE: i64 = 2_147_483_647;

/// A Pod itself: its images have no blanks around them, which templates may have.
pub(in crate::strategy::builtin) fn validate(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = Field::root(value, "spec");
    validate_at(&spec, &mut errors);
    for list in ["containers", "initContainers"] {
        for container in spec.member(list).items() {
            let image = container.member("image");
            if image.text().trim().len() != image.text().len() {
                errors.push(image.invalid("must not have leading or trailing whitespace"));
            }
        }
    }
    errors
}

/// A pod spec at a path.
pub(in crate::strategy::builtin) fn validate_spec(
    spec: &Value,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    let path = path.to_owned();
    validate_at(&Field { path, value: spec }, errors);
}

fn validate_at(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let volumes = volume::validate(&spec.member("volumes"), errors);
    validate_containers(spec, &volumes, errors);
    errors.extend(
        spec.member("restartPolicy")
            .one_of(&["Always", "OnFailure", "Never"]),
    );
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    errors.extend(spec.member("dnsPolicy").one_of(&policies));
    errors.extend(
        spec.member("activeDeadlineSeconds")
            .within(1, LONGEST_DEADLINE),
    );
    spec.member("nodeSelector").labels(errors);
    for toleration in spec.member("tolerations").items() {
        validate_toleration(&toleration, errors);
    }
    let names: [(&str, Rule); 4] = [
        ("hostname", names::label),
        ("subdomain", names::label),
        ("serviceAccountName", names::subdomain),
        ("nodeName", names::subdomain),
    ];
    for (name, rule) in names {
        let field = spec.member(name);
        if !field.text().is_empty() {
            errors.extend(field.name(rule));
        }
    }
    container::validate_identity(&spec.member("securityContext"), errors);
}

fn validate_containers(spec: &Field<'_>, volumes: &Names, errors: &mut Vec<FieldError>) {
    let containers = spec.member("containers");
    if containers.is_empty() {
        errors.push(containers.required(""));
    }
    let mut names = Names::default();
    for list in [containers, spec.member("initContainers")] {
        for one in list.items() {
            container::validate(&one, volumes, errors);
            errors.extend(names.note(&one.member("name")));
        }
    }
}

fn validate_toleration(toleration: &Field<'_>, errors: &mut Vec<FieldError>) {
    let key = toleration.member("key");
    let value = toleration.member("value");
    let effect = toleration.member("effect");
    let operator = toleration.member("operator");
    if !key.text().is_empty() {
        errors.extend(key.name(names::qualified_name));
    } else if operator.text() != "Exists" {
        let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.push(operator.invalid_as(&json!(operator.text()), why));
    }
    if !toleration.member("tolerationSeconds").is_null() && effect.text() != "NoExecute" {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.push(effect.invalid_as(&json!(effect.text()), why));
    }
    match operator.text() {
        "" | "Equal" => {
            let wrong = names::label_value(value.text()).join(";");
            if !wrong.is_empty() {
                errors.push(operator.invalid_as(&json!(value.text()), &wrong));
            }
        }
        "Exists" if !value.text().is_empty() => {
            let why = "value must be empty when `operator` is 'Exists'";
            errors.push(operator.invalid_as(&json!(value.text()), why));
        }
        _ => errors.extend(operator.one_of(&["Equal", "Exists"])),
    }
    if !effect.text().is_empty() {
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        errors.extend(effect.one_of(&effects));
    }
}
