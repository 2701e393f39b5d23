//! What webhooks answer, down to a review of the right type.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::{object::text, strategy::metadata::mismatch};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Whether a value is of some type.
pub(crate) type Fits = fn(&Value) -> bool;

/// What a review is to be.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    /// The fields of its `response`: their names, the names of their types, and what is of these.
    pub(crate) response: &'static [(&'static str, &'static str, Fits)],
}

impl Answer {
    /// The review in a good answer, which must be of the type that was sent; the error says what is wrong with it.
    pub(crate) fn read(&self, expected: &Expected) -> Result<Value, String> {
        let content_type = self.headers.get(header::CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let parsed = serde_json::from_slice::<Value>(&self.body);
        let code = self.status.as_u16();
        if !(200..=206).contains(&code) {
            // A Status explains itself.
            let told = parsed.ok().filter(|value| value["kind"] == "Status");
            let message = told.and_then(|status| Some(text(&status, &["message"])?.to_owned()));
            return Err(message.unwrap_or_else(|| self.unexpected(code, content_type)));
        }
        if self.body.is_empty() {
            return Err(format!(
                "0-length response with status code: {code} and content type: {content_type}"
            ));
        }
        let value = parsed
            .map_err(|error| format!("couldn't get version/kind; json parse error: {error}"))?;
        if let Some(why) = mistyped(&value, expected) {
            return Err(why);
        }
        let Expected {
            group,
            version,
            kind: wanted,
            ..
        } = expected;
        let kind = text(&value, &["kind"]).unwrap_or(wanted);
        let own = format!("{group}/{version}");
        let given = text(&value, &["apiVersion"]).unwrap_or(&own);
        let (of, short) = given.rsplit_once('/').unwrap_or(("", given));
        let is_review = kind == *wanted && of == *group && matches!(short, "v1" | "v1beta1");
        if is_review && given == own {
            return Ok(value);
        }
        Err(if is_review || (kind, given) == ("Status", "v1") {
            format!("converting ({short}.{kind}) to ({version}.{wanted}): unknown conversion")
        } else {
            format!("no kind {kind:?} is registered for version {given:?} in scheme \"sandbox\"")
        })
    }

    /// The words for a bad status.
    fn unexpected(&self, code: u16, content_type: &str) -> String {
        let is_text = content_type.is_empty() || content_type.starts_with("text/");
        let body = String::from_utf8_lossy(&self.body);
        let told = if is_text { body.trim() } else { "unknown" };
        match code {
            400 => "the server rejected our request for an unknown reason".to_owned(),
            401 => "the server has asked for the client to provide credentials".to_owned(),
            404 => "the server could not find the requested resource".to_owned(),
            405 => "the server does not allow this method on the requested resource".to_owned(),
            406 if told.is_empty() || told == "unknown" => {
                "the server was unable to respond with a content type that the client supports"
                    .to_owned()
            }
            403 | 406 | 415 => told.to_owned(),
            409 => "the server reported a conflict".to_owned(),
            422 => "the server rejected our request due to an error in our request".to_owned(),
            429 => {
                "the server has received too many requests and has asked us to try again later"
                    .to_owned()
            }
            503 => "the server is currently unable to handle the request".to_owned(),
            504 => "the server was unable to return a response in the time allotted, but may still be processing the request".to_owned(),
            500.. => format!(
                "an error on the server ({told:?}) has prevented the request from succeeding"
            ),
            _ => format!(
                "the server responded with the status code {code} but did not return more information"
            ),
        }
    }
}

/// Which part of a review is of the wrong type.
fn mistyped(value: &Value, expected: &Expected) -> Option<String> {
    let kind = expected.kind;
    let wrong = |what: &Value, field: &str, wanted: &str| {
        Some(mismatch(what, &format!("{kind}.{field}"), wanted))
    };
    if !value.is_object() {
        let why = "json: cannot unmarshal into Go value of type struct";
        return Some(format!(
            "couldn't get version/kind; json parse error: {why}"
        ));
    }
    let response = value
        .get("response")
        .filter(|response| !response.is_null())?;
    if !response.is_object() {
        let wanted = format!("v1.{}Response", kind.trim_end_matches("Review"));
        return wrong(response, "response", &wanted);
    }
    let given = expected.response.iter();
    let mut given = given.filter_map(|(name, wanted, fits)| {
        let given = response.get(*name).filter(|given| !given.is_null())?;
        (!fits(given)).then(|| wrong(given, &format!("response.{name}"), wanted))?
    });
    given.next()
}
