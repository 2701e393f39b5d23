//! What the API answers when it refuses: the `Status` object and its texts.
//!
//! Every layer above storage makes these; `http` writes them out. The texts are a real API server's, word by word.

mod subject;

use std::{borrow::Cow, fmt};

use serde_json::{Value, json};

pub(crate) use self::subject::Subject;

/// A refused request: becomes a `Status` of `Failure`.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    reason: Cow<'static, str>,
    pub(crate) message: String,
    details: Option<Value>,
    /// What few errors say; nothing for most.
    more: Option<Box<More>>,
}

/// What few errors say besides.
#[derive(Debug, Clone, Default)]
struct More {
    /// What else is to be said about the request.
    warnings: Vec<String>,
    /// Where a list goes on in spite of the error.
    token: Option<String>,
}

/// One wrong field of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldError {
    reason: &'static str,
    field: String,
    message: String,
}

impl FieldError {
    pub(crate) fn new(
        reason: &'static str,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            field: field.into(),
            message: message.into(),
        }
    }

    /// `Invalid value: <json>: <why>`.
    pub(crate) fn invalid(field: impl Into<String>, value: &Value, why: impl fmt::Display) -> Self {
        Self::new(
            "FieldValueInvalid",
            field,
            format!("Invalid value: {value}: {why}"),
        )
    }

    pub(crate) fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {why}")
        };
        Self::new("FieldValueRequired", field, message)
    }

    pub(crate) fn forbidden(field: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {why}"))
    }

    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|one| format!("{one:?}")).collect();
        Self::new(
            "FieldValueNotSupported",
            field,
            format!(
                "Unsupported value: {value}: supported values: {}",
                list.join(", ")
            ),
        )
    }

    pub(crate) fn immutable(field: impl Into<String>, value: &Value) -> Self {
        Self::invalid(field, value, "field is immutable")
    }

    /// Whether a value is of such a kind that CEL rules about it make no sense.
    pub(crate) fn blocks_rules(&self) -> bool {
        matches!(
            self.reason,
            "FieldValueNotSupported"
                | "FieldValueRequired"
                | "FieldValueTooLong"
                | "FieldValueTooMany"
                | "FieldValueTypeInvalid"
        )
    }

    fn cause(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl ApiError {
    pub(crate) fn new(
        code: u16,
        reason: &'static str,
        message: impl Into<String>,
        details: Option<Value>,
    ) -> Self {
        Self::with_reason(code, reason, message.into(), details)
    }

    /// An error whose reason comes from elsewhere: a webhook may say what it likes.
    pub(crate) fn with_reason(
        code: u16,
        reason: impl Into<Cow<'static, str>>,
        message: String,
        details: Option<Value>,
    ) -> Self {
        Self {
            code,
            reason: reason.into(),
            message,
            details,
            more: None,
        }
    }

    /// The same error, with warnings beside it.
    pub(crate) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        if !warnings.is_empty() {
            self.more.get_or_insert_default().warnings.extend(warnings);
        }
        self
    }

    pub(crate) fn warnings(&self) -> &[String] {
        self.more.as_deref().map_or(&[], |more| &more.warnings)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message, None)
    }

    /// An error without reason, as Go errors that nobody classified come out.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "", message, None)
    }

    pub(crate) fn not_found(subject: Subject<'_>) -> Self {
        let message = format!("{} {:?} not found", subject.qualified(), subject.name);
        Self::new(404, "NotFound", message, Some(subject.details()))
    }

    /// A path inside a known group that leads nowhere.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
            Some(json!({})),
        )
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    pub(crate) fn not_implemented(what: impl fmt::Display) -> Self {
        Self::new(
            501,
            "NotImplemented",
            format!("the sandbox does not implement {what}"),
            None,
        )
    }

    pub(crate) fn already_exists(subject: Subject<'_>, deleting: bool) -> Self {
        let prefix = if deleting {
            "object is being deleted: "
        } else {
            ""
        };
        let message = format!(
            "{prefix}{} {:?} already exists",
            subject.qualified(),
            subject.name
        );
        Self::new(409, "AlreadyExists", message, Some(subject.details()))
    }

    pub(crate) fn conflict(subject: Subject<'_>, why: impl fmt::Display) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {:?}: {why}",
            subject.qualified(),
            subject.name
        );
        Self::new(409, "Conflict", message, Some(subject.details()))
    }

    pub(crate) fn modified(subject: Subject<'_>) -> Self {
        Self::conflict(
            subject,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn forbidden(
        subject: Subject<'_>,
        why: impl fmt::Display,
        causes: Option<Value>,
    ) -> Self {
        let name = if subject.name.is_empty() {
            String::new()
        } else {
            format!(" {:?}", subject.name)
        };
        let message = format!("{}{name} is forbidden: {why}", subject.qualified());
        let mut details = subject.details();
        if let Some(causes) = causes {
            details["causes"] = causes;
        }
        Self::new(403, "Forbidden", message, Some(details))
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized", None)
    }

    pub(crate) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message, None)
    }

    /// The same where a route takes certain types only: a real server says so before it looks at the request.
    pub(crate) fn unrouted_media_type() -> Self {
        let message = "415: Unsupported Media Type";
        Self::new(415, "UnsupportedMediaType", message, Some(json!({})))
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message, None)
    }

    pub(crate) fn too_large_version(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let causes =
            json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
        Self::new(
            504,
            "Timeout",
            message,
            Some(json!({"causes": causes, "retryAfterSeconds": 1})),
        )
    }

    /// The same error, which says nothing of when to ask again.
    pub(crate) fn without_retry(mut self) -> Self {
        if let Some(details) = self.details.as_mut().and_then(Value::as_object_mut) {
            details.remove("retryAfterSeconds");
        }
        self
    }

    /// The same error, with a token that the list can be continued by.
    pub(crate) fn with_continue(mut self, token: String) -> Self {
        self.more.get_or_insert_default().token = Some(token);
        self
    }

    /// 422: the object's fields are wrong. `subject.resource` is the kind here.
    pub(crate) fn invalid(subject: Subject<'_>, errors: &[FieldError]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = error.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = if texts.len() == 1 {
            texts.remove(0)
        } else {
            format!("[{}]", texts.join(", "))
        };
        let message = format!(
            "{} {:?} is invalid: {list}",
            subject.qualified(),
            subject.name
        );
        let mut details = subject.details();
        if subject.resource.is_empty() {
            details = json!({});
        }
        details["causes"] = errors.iter().map(FieldError::cause).collect();
        Self::new(422, "Invalid", message, Some(details))
    }

    /// 422 about an object that has no kind of its own in the message.
    pub(crate) fn invalid_unnamed(subject: Subject<'_>, errors: &[FieldError]) -> Self {
        let mut error = Self::invalid(subject, errors);
        if let Some(details) = &mut error.details {
            details["group"] = json!(subject.group);
        }
        error
    }

    /// 422 about a patch, which names no object.
    pub(crate) fn invalid_patch(patch: &str, why: impl fmt::Display) -> Self {
        let error = FieldError::invalid("patch", &json!(patch), why);
        Self::invalid(
            Subject {
                group: "",
                resource: "",
                name: "",
            },
            &[error],
        )
    }

    /// 422 of a JSON patch operation that does not apply.
    pub(crate) fn patch_failed() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message, Some(json!({})))
    }

    pub(crate) fn is_already_exists(&self) -> bool {
        self.reason == "AlreadyExists"
    }

    /// What custom resources say instead of "not allowed".
    pub(crate) fn not_supported(subject: Subject<'_>, verb: &str) -> Self {
        let message = format!(
            "{verb} is not supported on resources of kind {:?}",
            subject.qualified()
        );
        Self::new(
            405,
            "MethodNotAllowed",
            message,
            Some(
                Subject {
                    name: "",
                    ..subject
                }
                .details(),
            ),
        )
    }

    /// Seconds for the `Retry-After` header.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.details.as_ref()?.get("retryAfterSeconds")?.as_u64()
    }

    /// The `Status` object.
    pub(crate) fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        if let Some(token) = self.more.as_ref().and_then(|more| more.token.as_ref()) {
            status["metadata"]["continue"] = json!(token);
        }
        status
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
