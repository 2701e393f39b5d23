//! What a refused request is answered with.

use serde_json::{Value, json};

use crate::error::ApiError;

/// Something went wrong between the server and a webhook.
pub(super) fn internal(why: &str) -> ApiError {
    let details = json!({"causes": [{"message": why}]});
    let message = format!("Internal error occurred: {why}");
    ApiError::new(500, "InternalError", message, Some(details))
}

/// A webhook said no; `result` is the status that it gave, if any.
pub(super) fn denied(webhook: &str, result: &Value) -> ApiError {
    let text = |field: &str| result[field].as_str().filter(|text| !text.is_empty());
    let by = format!("admission webhook {webhook:?} denied the request");
    let message = match text("message").or(text("reason")) {
        Some(why) => format!("{by}: {why}"),
        None => format!("{by} without explanation"),
    };
    let code = result["code"].as_u64().unwrap_or_default();
    let code = u16::try_from(code).unwrap_or_default().max(400);
    let details = result
        .get("details")
        .filter(|details| details.is_object())
        .cloned();
    ApiError::with_reason(
        code,
        text("reason").unwrap_or_default().to_owned(),
        message,
        details,
    )
}

/// A webhook with side effects cannot be asked about a write that does not happen.
pub(super) fn no_dry_run(webhook: &str) -> ApiError {
    ApiError::bad_request(format!(
        "admission webhook {webhook:?} does not support dry run"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_never_look_like_successes() {
        let error = denied("w.x.y", &json!({"code": 200, "reason": "Because"}));
        assert_eq!(
            (error.code, error.to_status()["code"].as_u64()),
            (400, Some(400))
        );
        assert_eq!(
            error.message,
            "admission webhook \"w.x.y\" denied the request: Because"
        );
        assert_eq!(
            denied("w.x.y", &Value::Null).message,
            "admission webhook \"w.x.y\" denied the request without explanation"
        );
    }
}
