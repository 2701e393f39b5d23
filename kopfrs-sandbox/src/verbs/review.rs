//! Access reviews: in a sandbox everyone may do everything.

use serde_json::{Value, json};

use crate::{error::ApiError, registry::Kind};

/// Answers a review object.
pub(crate) fn answer(kind: &Kind, body: &Value, user: &str) -> Result<Value, ApiError> {
    let mut review = json!({
        "kind": kind.kind, "apiVersion": kind.api_version,
        "metadata": {}, "spec": body["spec"],
    });
    review["status"] = match kind.kind.as_str() {
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": false,
        }),
        "SelfSubjectReview" => {
            json!({"userInfo": {"username": user, "groups": ["system:masters", "system:authenticated"]}})
        }
        "SelfSubjectAccessReview" | "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            json!({"allowed": true, "reason": "the sandbox allows everything"})
        }
        other => return Err(ApiError::not_implemented(other)),
    };
    if review["spec"].is_null() {
        review["spec"] = json!({});
    }
    Ok(review)
}
