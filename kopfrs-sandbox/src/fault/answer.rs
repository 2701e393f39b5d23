//! Answers that the server never gave.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::{
    error::{ApiError, Subject},
    http::{
        Body,
        reply::{JSON, Reply, whole},
    },
    journal::Request,
};

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) retry_after: Option<u64>,
    pub(super) message: Option<String>,
    pub(super) body: Option<(&'static str, Bytes)>,
}

impl Answer {
    pub(super) fn status(code: u16) -> Self {
        Self {
            code,
            retry_after: (code == 429).then_some(1),
            message: None,
            body: None,
        }
    }

    pub(super) fn garbage() -> Self {
        Self {
            body: Some((JSON, Bytes::from_static(b"<html>not what you asked"))),
            ..Self::status(200)
        }
    }

    /// The answer to one request.
    pub(super) fn to(&self, request: &Request) -> Response<Body> {
        let mut response = match &self.body {
            Some((content_type, body)) => {
                let mut response = Response::new(whole(body.clone()));
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
                response
            }
            None => Reply::error(&self.error(request)).into_response(),
        };
        *response.status_mut() =
            StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// What a real server says with this code about this request.
    fn error(&self, request: &Request) -> ApiError {
        let name = request.object_name().unwrap_or_default();
        let subject = Subject {
            group: request.group(),
            resource: request.resource(),
            name: &name,
        };
        let mut error = match self.code {
            401 => ApiError::unauthorized(),
            403 => ApiError::forbidden(subject, "it was injected", None),
            404 => ApiError::not_found(subject),
            409 if request.verb() == "create" => ApiError::already_exists(subject, false),
            409 => ApiError::modified(subject),
            410 => ApiError::expired("too old resource version: 1 (2)"),
            422 => ApiError::invalid(subject, &[]),
            other => {
                let (reason, message) = usual(other);
                let details = self
                    .retry_after
                    .map(|seconds| json!({"retryAfterSeconds": seconds}));
                ApiError::new(other, reason, message, details)
            }
        };
        if let Some(message) = &self.message {
            error.message.clone_from(message);
        }
        error
    }
}

/// Reason and message of codes that say nothing about the object.
fn usual(code: u16) -> (&'static str, &'static str) {
    match code {
        400 => ("BadRequest", "the request is bad"),
        405 => (
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ),
        429 => (
            "TooManyRequests",
            "Too many requests, please try again later.",
        ),
        500 => ("InternalError", "Internal error occurred: it was injected"),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ),
        504 => (
            "Timeout",
            "Timeout: request did not complete within requested timeout",
        ),
        _ => ("", "it was injected"),
    }
}
