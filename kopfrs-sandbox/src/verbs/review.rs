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

/// Answers a review object that `user` has sent.
pub(crate) fn answer(
    cluster: &Cluster,
    kind: &Kind,
    (body, user): (&Value, &User),
) -> Result<Value, ApiError> {
    let spec = &body["spec"];
    let status = match kind.kind.as_str() {
        "SelfSubjectRulesReview" => rules(cluster, user, spec),
        "SelfSubjectReview" => {
            json!({"userInfo": {"username": user.name, "groups": user.groups}})
        }
        "SelfSubjectAccessReview" => {
            check(spec, false)?;
            decision(cluster, user, spec)
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            check(spec, true)?;
            decision(cluster, &subject(spec), spec)
        }
        other => return Err(ApiError::not_implemented(other)),
    };
    let mut review = json!({
        "kind": kind.kind, "apiVersion": kind.api_version, "metadata": {}, "status": status,
    });
    if kind.kind == "SelfSubjectReview" {
        review["metadata"] = json!({"creationTimestamp": cluster.clock.rfc3339()});
    } else {
        review["spec"] = if spec.is_null() {
            json!({})
        } else {
            spec.clone()
        };
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

fn check(spec: &Value, names_user: bool) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    if spec["resourceAttributes"].is_null() == spec["nonResourceAttributes"].is_null() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let field = "spec.resourceAttributes";
        errors.push(FieldError::invalid(field, &spec["resourceAttributes"], why));
    }
    let has_groups = spec["groups"]
        .as_array()
        .is_some_and(|groups| !groups.is_empty());
    if names_user && text(spec, &["user"]).unwrap_or_default().is_empty() && !has_groups {
        let why = "at least one of user or group must be specified";
        errors.push(FieldError::invalid("spec.user", &json!(""), why));
    }
    if errors.is_empty() {
        return Ok(());
    }
    let nobody = Subject {
        group: "authorization.k8s.io",
        resource: "",
        name: "",
    };
    Err(ApiError::invalid_unnamed(nobody, &errors))
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
