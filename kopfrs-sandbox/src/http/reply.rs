//! Answers before they become HTTP.

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::Value;

use super::{Body, BoxError, ResultVersion, warnings};
use crate::{error::ApiError, object::to_json, verbs::watch::Watch};

pub(crate) const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Debug)]
enum Content {
    Bytes(Bytes),
    Watch(Box<Watch>),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    content: Content,
    warnings: Vec<String>,
    version: Option<u64>,
    retry_after: Option<u64>,
    varies: bool,
}

impl Reply {
    pub(crate) fn bytes(status: StatusCode, content_type: &'static str, bytes: Bytes) -> Self {
        Self {
            status,
            content_type,
            content: Content::Bytes(bytes),
            warnings: Vec::new(),
            version: None,
            retry_after: None,
            varies: false,
        }
    }

    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::bytes(status, JSON, to_json(value))
    }

    pub(crate) fn text(status: StatusCode, text: &'static str) -> Self {
        Self::bytes(status, TEXT, Bytes::from_static(text.as_bytes()))
    }

    /// A text that is made for the answer.
    pub(crate) fn owned_text(text: String) -> Self {
        Self::bytes(StatusCode::OK, TEXT, Bytes::from(text))
    }

    /// What Go's mux says about a path nobody registered.
    pub(crate) fn page_not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, "404 page not found\n")
    }

    pub(crate) fn error(error: &ApiError) -> Self {
        let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = Self::json(status, &error.to_status());
        reply.retry_after = error.retry_after();
        reply.with_warnings(error.warnings().iter().cloned())
    }

    pub(crate) fn watch(watch: Watch) -> Self {
        let mut reply = Self::bytes(StatusCode::OK, JSON, Bytes::new());
        reply.content = Content::Watch(Box::new(watch));
        reply
    }

    pub(crate) fn with_warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    pub(crate) fn with_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// Marks an answer that depends on the Accept header.
    pub(crate) fn varying(mut self) -> Self {
        self.varies = true;
        self
    }

    pub(crate) fn is_json(&self) -> bool {
        self.content_type == JSON
    }

    /// The same answer in YAML.
    pub(crate) fn into_yaml(mut self) -> Self {
        if let Content::Bytes(bytes) = &self.content
            && let Ok(value) = serde_json::from_slice::<Value>(bytes)
            && let Ok(yaml) = serde_saphyr::to_string(&value)
        {
            self.content = Content::Bytes(Bytes::from(yaml));
            self.content_type = "application/yaml";
        }
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = match self.content {
            Content::Bytes(bytes) => whole(bytes),
            Content::Watch(watch) => {
                let lines = stream::unfold(watch, |mut watch| async move {
                    let chunk = watch.next().await?;
                    Some((Ok::<_, BoxError>(Frame::data(chunk)), watch))
                });
                StreamBody::new(lines).boxed_unsync()
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        if self.content_type == TEXT {
            let nosniff = HeaderValue::from_static("nosniff");
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        }
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache, private"),
        );
        for warning in warnings::limited(self.warnings) {
            if let Ok(value) = HeaderValue::from_str(&format!("299 - {}", quoted(&warning))) {
                headers.append(header::WARNING, value);
            }
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.varies {
            headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        }
        if let Some(version) = self.version {
            response.extensions_mut().insert(ResultVersion(version));
        }
        response
    }
}

/// A body that is there at once.
pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A quoted string of a header: what cannot be in one is left out.
fn quoted(text: &str) -> String {
    let printable: String = text.chars().filter(|c| !c.is_control()).collect();
    format!(
        "\"{}\"",
        printable.replace('\\', "\\\\").replace('"', "\\\"")
    )
}
