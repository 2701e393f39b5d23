//! Connections to webhooks, kept and used again.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::pki_types::ServerName;
use serde_json::Value;

use super::certificates;
use crate::{object::text, strategy::metadata::mismatch};

/// The longest answer that is read: as long as a request may be.
const LIMIT: usize = 3 * 1024 * 1024;

type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Who a webhook must prove to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    bundle: Vec<u8>,
    /// The name in its certificate, when it is not the one in the URL.
    name: Option<String>,
}

/// One request to a webhook.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) url: String,
    /// The `Host`, when it is not the URL's.
    pub(super) host: Option<String>,
    pub(super) body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// One client for each identity.
#[derive(Default)]
pub(crate) struct Connections(Mutex<HashMap<Identity, Https>>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads a `clientConfig`.
    pub(super) fn read(client: &Value) -> Result<Self, String> {
        let bundle = text(client, &["caBundle"]).unwrap_or_default();
        let bundle = STANDARD.decode(bundle).map_err(|error| error.to_string())?;
        let service = |field: &str| text(client, &["service", field]);
        let name = service("name").zip(service("namespace"));
        let name = name.map(|(name, namespace)| format!("{name}.{namespace}.svc"));
        // Said before anything is sent.
        certificates::trusting(&bundle)?;
        Ok(Self { bundle, name })
    }
}

impl Connections {
    fn client(&self, identity: &Identity) -> Result<Https, String> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(identity) {
            return Ok(client.clone());
        }
        let tls = certificates::trusting(&identity.bundle)?;
        let mut builder = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_only();
        if let Some(name) = &identity.name {
            let name = ServerName::try_from(name.clone()).map_err(|error| error.to_string())?;
            builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
        }
        let client = Client::builder(TokioExecutor::new()).build(builder.enable_http1().build());
        clients.insert(identity.clone(), client.clone());
        Ok(client)
    }

    /// Sends a request and reads the whole answer; the error says why there is none.
    pub(super) async fn post(&self, identity: &Identity, call: Call) -> Result<Answer, String> {
        let client = self.client(identity)?;
        let mut request = Request::post(&call.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, */*")
            .header(
                header::USER_AGENT,
                concat!("kopfrs-sandbox/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(host) = call.host {
            request = request.header(header::HOST, host);
        }
        let request = request
            .body(Full::new(call.body))
            .map_err(|error| error.to_string())?;
        let uri = request.uri();
        let address = format!(
            "{}:{}",
            uri.host().unwrap_or_default(),
            uri.port_u16().unwrap_or(443)
        );
        let response = client
            .request(request)
            .await
            .map_err(|error| certificates::explain(&error, &address))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LIMIT)
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
}

impl Answer {
    /// The review in a good answer, which must be of the version that was sent; the error says what is wrong with it.
    pub(super) fn read(&self, version: &str) -> Result<Value, String> {
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
        if let Some(why) = mistyped(&value) {
            return Err(why);
        }
        let kind = text(&value, &["kind"]).unwrap_or("AdmissionReview");
        let own = format!("admission.k8s.io/{version}");
        let given = text(&value, &["apiVersion"]).unwrap_or(&own);
        let short = given.rsplit('/').next().unwrap_or_default();
        match (kind, given) {
            ("AdmissionReview", given) if given == own => Ok(value),
            ("AdmissionReview", "admission.k8s.io/v1" | "admission.k8s.io/v1beta1")
            | ("Status", "v1") => Err(format!(
                "converting ({short}.{kind}) to ({version}.AdmissionReview): unknown conversion"
            )),
            _ => Err(format!(
                "no kind {kind:?} is registered for version {given:?} in scheme \"sandbox\""
            )),
        }
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

type Fits = fn(&Value) -> bool;

/// Which part of a review is of the wrong type.
fn mistyped(value: &Value) -> Option<String> {
    let wrong = |what: &Value, field: &str, wanted: &str| {
        Some(mismatch(what, &format!("AdmissionReview.{field}"), wanted))
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
        return wrong(response, "response", "v1.AdmissionResponse");
    }
    let fields: [(&str, &str, Fits); 7] = [
        ("uid", "types.UID", Value::is_string),
        ("allowed", "bool", Value::is_boolean),
        ("status", "v1.Status", Value::is_object),
        ("patch", "[]uint8", Value::is_string),
        ("patchType", "v1.PatchType", Value::is_string),
        ("auditAnnotations", "map[string]string", Value::is_object),
        ("warnings", "[]string", Value::is_array),
    ];
    let given = fields.iter().filter_map(|(name, wanted, fits)| {
        let given = response.get(*name).filter(|given| !given.is_null())?;
        (!fits(given)).then(|| wrong(given, &format!("response.{name}"), wanted))?
    });
    given.into_iter().next()
}
