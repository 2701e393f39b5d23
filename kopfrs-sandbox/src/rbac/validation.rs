//! Roles and bindings: defaults, and what is wrong with them.

use serde_json::{Value, json};

use super::GROUP;
use crate::{
    error::FieldError,
    object::{child_mut, fields_mut, text},
    strategy::names::{NameRule, subdomain},
};

/// Whether something holds in one namespace or everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Namespace,
    Cluster,
}

fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    let list = value[field].as_array();
    list.map(Vec::as_slice).unwrap_or_default()
}

/// No rules are shown as null, as a role always has the field.
pub(crate) fn role_defaults(value: &mut Value) {
    if items(value, "rules").is_empty() {
        fields_mut(value).insert("rules".to_owned(), Value::Null);
    }
}

/// Users, groups and roles are those of this API group unless something else is said.
pub(crate) fn binding_defaults(value: &mut Value) {
    let default = |value: &mut Value| {
        let group = fields_mut(value)
            .entry("apiGroup")
            .or_insert_with(|| json!(""));
        if *group == "" {
            *group = json!(GROUP);
        }
    };
    child_mut(value, "roleRef");
    default(&mut value["roleRef"]);
    let subjects = value.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects.into_iter().flatten() {
        match text(subject, &["kind"]) {
            Some("User" | "Group") => default(subject),
            _ => {
                if subject["apiGroup"] == "" {
                    fields_mut(subject).remove("apiGroup");
                }
            }
        }
    }
}

pub(crate) fn validate_role(value: &Value) -> Vec<FieldError> {
    validate_rules(value, Scope::Namespace)
}

pub(crate) fn validate_cluster_role(value: &Value) -> Vec<FieldError> {
    let mut errors = validate_rules(value, Scope::Cluster);
    let aggregation = &value["aggregationRule"];
    if !aggregation.is_null() && items(aggregation, "clusterRoleSelectors").is_empty() {
        errors.push(FieldError::required(
            "aggregationRule.clusterRoleSelectors",
            "at least one clusterRoleSelector required if aggregationRule is non-nil",
        ));
    }
    errors
}

fn validate_rules(value: &Value, scope: Scope) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, rule) in items(value, "rules").iter().enumerate() {
        let at = |field: &str| format!("rules[{index}].{field}");
        let lacks = |field: &str| items(rule, field).is_empty();
        if lacks("verbs") {
            let why = "verbs must contain at least one value";
            errors.push(FieldError::required(at("verbs"), why));
        }
        if lacks("nonResourceURLs") {
            let wanted = [("apiGroups", "api group"), ("resources", "resource")];
            for (field, what) in wanted.into_iter().filter(|(field, _)| lacks(field)) {
                let why = format!("resource rules must supply at least one {what}");
                errors.push(FieldError::required(at(field), &why));
            }
            continue;
        }
        let mut refuse = |why: &str| {
            let urls = &rule["nonResourceURLs"];
            errors.push(FieldError::invalid(at("nonResourceURLs"), urls, why));
        };
        if scope == Scope::Namespace {
            refuse("namespaced rules cannot apply to non-resource URLs");
        }
        if !["apiGroups", "resources", "resourceNames"]
            .into_iter()
            .all(lacks)
        {
            refuse("rules cannot apply to both regular resources and non-resource URLs");
        }
    }
    errors
}

pub(crate) fn validate_binding(value: &Value) -> Vec<FieldError> {
    validate_bound(value, Scope::Namespace)
}

pub(crate) fn validate_cluster_binding(value: &Value) -> Vec<FieldError> {
    validate_bound(value, Scope::Cluster)
}

fn validate_bound(value: &Value, scope: Scope) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let role = &value["roleRef"];
    if role["apiGroup"] != GROUP {
        let field = "roleRef.apiGroup";
        errors.push(FieldError::unsupported(field, &role["apiGroup"], &[GROUP]));
    }
    let kinds: &[&str] = match scope {
        Scope::Namespace => &["Role", "ClusterRole"],
        Scope::Cluster => &["ClusterRole"],
    };
    let kind = text(role, &["kind"]).unwrap_or_default();
    if !kinds.contains(&kind) {
        errors.push(FieldError::unsupported("roleRef.kind", &json!(kind), kinds));
    }
    let name = text(role, &["name"]).unwrap_or_default();
    if name.is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    } else {
        let wrong = NameRule::PathSegment.check(name);
        let wrong = wrong.iter();
        errors.extend(wrong.map(|why| FieldError::invalid("roleRef.name", &json!(name), why)));
    }
    for (index, subject) in items(value, "subjects").iter().enumerate() {
        validate_subject(subject, (scope, &format!("subjects[{index}]")), &mut errors);
    }
    errors
}

fn validate_subject(subject: &Value, (scope, path): (Scope, &str), errors: &mut Vec<FieldError>) {
    let part = |field: &str| text(subject, &[field]).unwrap_or_default();
    let (kind, name, group) = (part("kind"), part("name"), part("apiGroup"));
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    }
    let mut only = |wanted: &str| {
        if group != wanted {
            let field = format!("{path}.apiGroup");
            errors.push(FieldError::unsupported(field, &json!(group), &[wanted]));
        }
    };
    match kind {
        "User" | "Group" => only(GROUP),
        "ServiceAccount" => {
            only("");
            if !name.is_empty() {
                let wrong = subdomain(name);
                let field = format!("{path}.name");
                let wrong = wrong.iter();
                errors.extend(
                    wrong.map(|why| FieldError::invalid(field.as_str(), &json!(name), why)),
                );
            }
            if scope == Scope::Cluster && part("namespace").is_empty() {
                errors.push(FieldError::required(format!("{path}.namespace"), ""));
            }
        }
        other => errors.push(FieldError::unsupported(
            format!("{path}.kind"),
            &json!(other),
            &["ServiceAccount", "User", "Group"],
        )),
    }
}

/// A binding is for one role for ever: what people were told they have must not change behind their backs.
pub(crate) fn validate_binding_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let role = &new["roleRef"];
    if *role == old["roleRef"] {
        return Vec::new();
    }
    let shown = json!({"APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]});
    vec![FieldError::invalid(
        "roleRef",
        &shown,
        "cannot change roleRef",
    )]
}
