//! Requests as scenarios write them, turned into HTTP.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, ordered::Ordered};

/// The user agent, and with that the field manager of whoever names none.
const AGENT: &str = "fidelity/1.0";

/// A request before it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, Value>,
    /// Null takes a header away that would be sent.
    headers: BTreeMap<String, Option<String>>,
    body: Option<Ordered>,
    raw_body: Option<String>,
    base64_body: Option<String>,
    generated_body: Option<Generated>,
    /// What the stream of a watch is called.
    pub(crate) id: String,
}

/// A large body without a large file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Generated {
    prefix: String,
    repeat: String,
    times: usize,
    suffix: String,
}

impl Request {
    pub(crate) fn parse(request: &Ordered) -> Result<Self, Failure> {
        let mut parsed: Self = serde_json::from_value(request.to_value())?;
        parsed.body = request.member("body").cloned();
        Ok(parsed)
    }

    pub(crate) fn new(method: &str, path: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            path: path.into(),
            ..Self::default()
        }
    }

    pub(crate) fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.insert(name.to_owned(), json!(value));
        self
    }

    pub(crate) fn method(&self) -> Result<Method, Failure> {
        Ok(self.method.parse()?)
    }

    /// Path and query, encoded.
    pub(crate) fn target(&self) -> String {
        let mut target = encoded(&self.path, b"/:@!$&'()*+,;=~-._", false);
        let mut sign = '?';
        for (name, values) in &self.query {
            let values = match values {
                Value::Array(values) => values.iter().collect(),
                value => vec![value],
            };
            for value in values {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                let (name, text) = (encoded(name, b"_.-~", true), encoded(&text, b"_.-~", true));
                target.extend([sign.to_string(), name, "=".to_owned(), text]);
                sign = '&';
            }
        }
        target
    }

    /// The headers of a request with or without a body.
    pub(crate) fn headers(&self, token: Option<&str>) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if self.body.is_some() || self.raw_body.is_some() || self.generated_body.is_some() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse()?);
        }
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse()?;
            match value {
                Some(value) => headers.insert(name, value.parse()?),
                None => headers.remove(name),
            };
        }
        Ok(headers)
    }

    pub(crate) fn body(&self) -> Result<Bytes, Failure> {
        Ok(if let Some(text) = &self.raw_body {
            Bytes::from(text.clone())
        } else if let Some(text) = &self.base64_body {
            Bytes::from(STANDARD.decode(text)?)
        } else if let Some(generated) = &self.generated_body {
            let repeated = generated.repeat.repeat(generated.times);
            Bytes::from([&generated.prefix, repeated.as_str(), &generated.suffix].concat())
        } else if let Some(body) = &self.body {
            Bytes::from(body.to_string())
        } else {
            Bytes::new()
        })
    }
}

/// Percent-encodes what is neither a letter, nor a digit, nor safe; in queries a blank becomes a plus.
fn encoded(text: &str, safe: &[u8], is_query: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || safe.contains(&byte) {
            encoded.push(char::from(byte));
        } else if byte == b' ' && is_query {
            encoded.push('+');
        } else {
            let code = format!("%{byte:02X}");
            encoded.push_str(&code);
        }
    }
    encoded
}
