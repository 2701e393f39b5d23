//! Access reviews: what may this user, or another one, do?

use serde_json::{Value, json};

use crate::{
    auth::User,
    cluster::Cluster,
    error::{ApiError, FieldError, Subject},
    object::text,
    rbac::{self, Attributes, Grants},
    registry::Kind,
};

/// Answers a review object that `user` has sent to a namespace, or to none.
pub(crate) fn answer(
    cluster: &Cluster,
    (kind, namespace): (&Kind, &str),
    (body, user): (&Value, &User),
) -> Result<Value, ApiError> {
    let spec = &body["spec"];
    let status = match kind.kind.as_str() {
        "SelfSubjectRulesReview" => {
            if text(spec, &["namespace"]).unwrap_or_default().is_empty() {
                return Err(ApiError::bad_request("no namespace on request"));
            }
            rules(cluster, user, spec)
        }
        "SelfSubjectReview" => {
            json!({"userInfo": {"username": user.name, "groups": user.groups}})
        }
        "SelfSubjectAccessReview" => {
            refuse(&attribute_errors(spec))?;
            decision(cluster, user, spec)
        }
        "SubjectAccessReview" => {
            refuse(&subject_errors(spec))?;
            decision(cluster, &subject(spec), spec)
        }
        "LocalSubjectAccessReview" => {
            let mut errors = subject_errors(spec);
            errors.extend(placement_error(spec, namespace));
            refuse(&errors)?;
            decision(cluster, &subject(spec), spec)
        }
        other => return Err(ApiError::not_implemented(other)),
    };
    let mut review = json!({
        "kind": kind.kind, "apiVersion": kind.api_version, "metadata": {}, "status": status,
    });
    if !namespace.is_empty() {
        review["metadata"]["namespace"] = json!(namespace);
    }
    match kind.kind.as_str() {
        "SelfSubjectReview" => {
            review["metadata"]["creationTimestamp"] = json!(cluster.clock.rfc3339());
        }
        // A real server forgets what it was asked.
        "SelfSubjectRulesReview" => review["spec"] = json!({}),
        _ => review["spec"] = spec.clone(),
    }
    Ok(review)
}

/// Whom a review asks about: as named, no group is added.
fn subject(spec: &Value) -> User {
    let groups = spec["groups"].as_array();
    let mut user = User::authenticated(
        text(spec, &["user"]).unwrap_or_default(),
        groups.into_iter().flatten().filter_map(Value::as_str),
    );
    if !groups.is_some_and(|groups| groups.iter().any(|group| group == "system:authenticated")) {
        user.groups.retain(|group| group != "system:authenticated");
    }
    user
}

/// What is wrong with what a review asks about.
fn attribute_errors(spec: &Value) -> Vec<FieldError> {
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let error = match (resource.is_null(), path.is_null()) {
        (false, false) => {
            let why = "cannot be specified in combination with resourceAttributes";
            FieldError::invalid("spec.nonResourceAttributes", &path_attributes(path), why)
        }
        (true, true) => {
            let why =
                "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            FieldError::invalid("spec.resourceAttributes", resource, why)
        }
        _ => return Vec::new(),
    };
    vec![error]
}

/// Attributes of a path as a real server shows them, by the names of its own fields.
fn path_attributes(path: &Value) -> Value {
    let field = |name: &str| text(path, &[name]).unwrap_or_default();
    json!({"Path": field("path"), "Verb": field("verb")})
}

fn subject_errors(spec: &Value) -> Vec<FieldError> {
    let mut errors = attribute_errors(spec);
    let has_groups = spec["groups"]
        .as_array()
        .is_some_and(|groups| !groups.is_empty());
    if text(spec, &["user"]).unwrap_or_default().is_empty() && !has_groups {
        let why = "at least one of user or group must be specified";
        errors.push(FieldError::invalid("spec.user", &json!(""), why));
    }
    errors
}

/// Reviews in a namespace are about that namespace.
fn placement_error(spec: &Value, namespace: &str) -> Option<FieldError> {
    let path = &spec["nonResourceAttributes"];
    if !path.is_null() {
        let why = "disallowed on this kind of request";
        let field = "spec.nonResourceAttributes";
        return Some(FieldError::invalid(field, &path_attributes(path), why));
    }
    let asked = &spec["resourceAttributes"];
    let given = text(asked, &["namespace"]).unwrap_or_default();
    let is_misplaced = !asked.is_null() && given != namespace;
    is_misplaced.then(|| {
        let field = "spec.resourceAttributes.namespace";
        FieldError::invalid(field, &json!(given), "must match metadata.namespace")
    })
}

fn refuse(errors: &[FieldError]) -> Result<(), ApiError> {
    if errors.is_empty() {
        return Ok(());
    }
    let nobody = Subject {
        group: "authorization.k8s.io",
        resource: "",
        name: "",
    };
    Err(ApiError::invalid_unnamed(nobody, errors))
}

fn decision(cluster: &Cluster, user: &User, spec: &Value) -> Value {
    let attributes = attributes(spec);
    let decision = rbac::authorize(cluster, user, &attributes);
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = json!(decision.reason);
    }
    status
}

fn attributes(spec: &Value) -> Attributes {
    let owned = |value: &Value, field: &str| text(value, &[field]).unwrap_or_default().to_owned();
    let paths = &spec["nonResourceAttributes"];
    if !paths.is_null() {
        return Attributes {
            verb: owned(paths, "verb"),
            path: Some(owned(paths, "path")),
            ..Attributes::default()
        };
    }
    let asked = &spec["resourceAttributes"];
    Attributes {
        verb: owned(asked, "verb"),
        group: owned(asked, "group"),
        resource: owned(asked, "resource"),
        subresource: owned(asked, "subresource"),
        namespace: owned(asked, "namespace"),
        name: owned(asked, "name"),
        path: None,
    }
}

fn rules(cluster: &Cluster, user: &User, spec: &Value) -> Value {
    let namespace = text(spec, &["namespace"]).unwrap_or_default();
    let (resources, paths) = if cluster.settings.rbac {
        let grants = Grants::of(cluster, user, namespace);
        let shown = |for_paths: bool| -> Vec<Value> {
            let rules = grants.rules();
            rules
                .filter(|rule| rule.is_for_paths() == for_paths)
                .map(rbac::Rule::shown)
                .collect()
        };
        (shown(false), shown(true))
    } else {
        (
            vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})],
            vec![json!({"verbs": ["*"], "nonResourceURLs": ["*"]})],
        )
    };
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_in_a_namespace_are_about_that_namespace() {
        let about = |namespace: &str| json!({"resourceAttributes": {"namespace": namespace}});
        assert_eq!(placement_error(&about("a"), "a"), None);
        for (spec, expected) in [
            (
                about("b"),
                "spec.resourceAttributes.namespace: Invalid value: \"b\": must match metadata.namespace",
            ),
            (
                json!({"nonResourceAttributes": {"path": "/x"}}),
                "spec.nonResourceAttributes: Invalid value: {\"Path\":\"/x\",\"Verb\":\"\"}: \
                 disallowed on this kind of request",
            ),
        ] {
            let error = placement_error(&spec, "a").expect("a refusal");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_review_asks_about_one_thing() {
        let both =
            json!({"resourceAttributes": {"verb": "get"}, "nonResourceAttributes": {"path": "/"}});
        assert_eq!(attribute_errors(&both).len(), 1);
        assert_eq!(attribute_errors(&json!({})).len(), 1);
        assert!(attribute_errors(&json!({"resourceAttributes": {}})).is_empty());
    }
}
