//! One request: the question is taken out of it, and the answer put into the response.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use percent::decoded;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

use super::connection::Listening;
use crate::cause::{Headers, SslPeer};
use crate::engine::admission::{Arrival, QuestionError};

/// The longest question that is read: twice the longest object, and what is around it.
const LIMIT: u32 = 16 * 1024 * 1024;
/// How much is read at once, from all callers together.
const ALL: usize = 64 * 1024 * 1024;
/// How long a caller may take to send a question: as long as the API server waits for the answer.
const READING: Duration = Duration::from_secs(30);

/// How many bytes of questions may be read at once.
#[derive(Clone)]
pub(super) struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL)))
    }
}

/// Answers one request. Whatever is wrong with it is told in the response.
pub(super) async fn answer(
    listening: &Listening,
    sslpeer: SslPeer,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    match answered(listening, sslpeer, request).await {
        Ok(answer) => response(StatusCode::OK, "application/json", answer.to_string()),
        Err((status, text)) => {
            warn!("a question of the API server cannot be answered: {text}");
            response(status, "text/plain; charset=utf-8", text)
        }
    }
}

async fn answered(
    listening: &Listening,
    sslpeer: SslPeer,
    request: Request<Incoming>,
) -> Result<Value, (StatusCode, String)> {
    let handler = handler(request.uri().path(), &listening.base)
        .ok_or_else(|| (StatusCode::NOT_FOUND, "there is nothing here".to_owned()))?;
    if request.method() != Method::POST {
        let text = "questions come by POST".to_owned();
        return Err((StatusCode::METHOD_NOT_ALLOWED, text));
    }
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let headers: Headers = headers.collect();
    let question = timeout(READING, listening.budget.read(body)).await;
    let question = question.unwrap_or_else(|_| {
        let text = format!("the question has not come within {READING:?}");
        Err((StatusCode::REQUEST_TIMEOUT, text))
    })?;
    let arrival = Arrival {
        handler,
        headers,
        sslpeer,
    };
    let answer = listening.admission.answer(&question, arrival).await;
    answer.map_err(|error| {
        let status = match error {
            QuestionError::Malformed(_) => StatusCode::BAD_REQUEST,
            QuestionError::Unknown(_) => StatusCode::NOT_FOUND,
            QuestionError::Ambiguous(_) => StatusCode::CONFLICT,
        };
        (status, error.to_string())
    })
}

impl Budget {
    /// Reads a question when there is room for it.
    async fn read(&self, body: Incoming) -> Result<Value, (StatusCode, String)> {
        let length = body.size_hint().upper().unwrap_or(LIMIT.into());
        let Some(length) = u32::try_from(length).ok().filter(|length| *length <= LIMIT) else {
            let text = format!("questions are no longer than {LIMIT} bytes");
            return Err((StatusCode::PAYLOAD_TOO_LARGE, text));
        };
        let room = self.0.acquire_many(length).await;
        let _room = room.expect("the semaphore is never closed");
        let body = Limited::new(body, length as usize).collect().await;
        let body = body.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
        serde_json::from_slice(&body.to_bytes())
            .map_err(|error| (StatusCode::BAD_REQUEST, format!("no JSON: {error}")))
    }
}

/// The id of the handler that is asked for; the bare path asks for none. `None` for what is not below the path.
#[expect(
    clippy::option_option,
    reason = "nothing here, and nobody in particular, are two things"
)]
fn handler(path: &str, base: &str) -> Option<Option<String>> {
    let below = path.strip_prefix(base)?;
    match below.strip_prefix('/') {
        Some("") => Some(None),
        Some(id) => Some(Some(decoded(id))),
        None => below.is_empty().then_some(None),
    }
}

fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let content_type = header::HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Percent signs in paths.
mod percent {
    pub(super) fn decoded(text: &str) -> String {
        let mut rest = text.as_bytes();
        let mut decoded = Vec::with_capacity(text.len());
        while let Some((byte, behind)) = rest.split_first() {
            let code = behind.get(..2).filter(|_| *byte == b'%');
            let code = code.and_then(|code| std::str::from_utf8(code).ok());
            if let Some(code) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                decoded.push(code);
                rest = &behind[2..];
            } else {
                decoded.push(*byte);
                rest = behind;
            }
        }
        String::from_utf8_lossy(&decoded).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_handlers() {
        let some = |id: &str| Some(Some(id.to_owned()));
        for (path, base, expected) in [
            ("/", "", Some(None)),
            ("/check", "", some("check")),
            ("/check/spec.field", "", some("check/spec.field")),
            ("/a%20%C3%A4%zz%", "", some("a ä%zz%")),
            ("/base", "/base", Some(None)),
            ("/base/", "/base", Some(None)),
            ("/base/check", "/base", some("check")),
            ("/basement", "/base", None),
            ("/other", "/base", None),
        ] {
            assert_eq!(handler(path, base), expected, "{path}");
        }
    }
}
