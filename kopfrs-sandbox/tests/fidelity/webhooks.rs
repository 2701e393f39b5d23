//! A loopback HTTPS server that answers AdmissionReviews as a scenario says, and remembers them.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use super::{Failure, scenario::Handler};

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Webhooks {
    /// Its base URL.
    pub(crate) url: String,
    /// The certificate of its authority, for `caBundle`.
    pub(crate) authority: String,
    desk: Arc<Desk>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Desk {
    handlers: BTreeMap<String, Handler>,
    calls: Mutex<Vec<Value>>,
}

impl Webhooks {
    pub(crate) async fn start(handlers: BTreeMap<String, Handler>) -> Result<Self, Failure> {
        let (authority, tls) = identity()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("https://{}", listener.local_addr()?);
        let desk = Arc::new(Desk {
            handlers,
            calls: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(
            listener,
            TlsAcceptor::from(Arc::new(tls)),
            desk.clone(),
        ));
        Ok(Self {
            url,
            authority,
            desk,
            _tasks: tasks,
        })
    }

    /// The calls since the last time. A server that has lost a race calls again: the last call counts.
    pub(crate) fn take_calls(&self) -> Vec<Value> {
        let calls = std::mem::take(&mut *self.desk.calls());
        let identity = |call: &Value| {
            let request = &call["review"]["request"];
            let names = ["operation", "name", "subResource"];
            (
                call["path"].clone(),
                names.map(|name| request[name].clone()),
            )
        };
        let mut kept: Vec<Value> = Vec::new();
        for call in calls {
            kept.retain(|earlier| identity(earlier) != identity(&call));
            kept.push(call);
        }
        kept
    }
}

/// The authority's certificate in base64, and what the server shows.
fn identity() -> Result<(String, ServerConfig), Failure> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "fidelity");
    let key = KeyPair::generate()?;
    let authority = params.self_signed(&key)?;
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate()?;
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    Ok((STANDARD.encode(authority.pem()), tls))
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let (tls, desk) = (tls.clone(), desk.clone());
                connections.spawn(async move {
                    // Whoever does not like the certificate goes away.
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let service = service_fn(|request| desk.answer(request));
                    let connection = http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

impl Desk {
    fn calls(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let bytes = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        };
        let review: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        self.calls()
            .push(json!({"path": path, "query": query, "review": review}));
        let missing = Handler {
            http_status: Some(404),
            raw: Some("not found".to_owned()),
            ..Handler::default()
        };
        let handler = self.handlers.get(path).unwrap_or(&missing);
        if handler.delay > 0.0 {
            // What is to be slow is slow.
            tokio::time::sleep(Duration::from_secs_f64(handler.delay)).await;
        }
        let text = handler
            .raw
            .clone()
            .unwrap_or_else(|| reviewed(handler, &review));
        let mut response = Response::new(Full::new(Bytes::from(text)));
        if let Some(status) = handler.http_status.and_then(|code| code.try_into().ok()) {
            *response.status_mut() = status;
        }
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(response)
    }
}

/// The AdmissionReview that answers another one.
fn reviewed(handler: &Handler, review: &Value) -> String {
    let mut response = handler.response.clone();
    response["uid"] = review["request"]["uid"].clone();
    if let Some(patch) = &handler.json_patch {
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(STANDARD.encode(patch.to_string()));
    }
    let (api_version, kind) = ("admission.k8s.io/v1", "AdmissionReview");
    json!({"apiVersion": api_version, "kind": kind, "response": response}).to_string()
}
