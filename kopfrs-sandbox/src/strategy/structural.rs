//! What a definition's schema may say: structural schemas only.
//!
//! Called when a definition is written; objects are checked by `schema`.

use serde_json::Value;

use crate::error::FieldError;

/// Checks an `openAPIV3Schema`.
pub(crate) fn validate_root(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if schema["type"].as_str().unwrap_or_default().is_empty() {
        errors.push(FieldError::required(
            format!("{path}.type"),
            "must not be empty at the root",
        ));
    }
}
