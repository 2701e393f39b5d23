//! Connections to webhooks, kept and used again.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::pki_types::ServerName;
use serde_json::Value;

use super::{answer::Answer, certificates};
use crate::object::text;

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
