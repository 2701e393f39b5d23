//! A webhook server on a loopback port.

use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

/// What a path answers: the `response` of a review, without its uid.
pub(crate) type Answer = dyn Fn(&str, &Value) -> Value + Send + Sync;

/// A running server; it stops when dropped.
pub(crate) struct Webhooks {
    pub(crate) port: u16,
    /// The certificate authority, as configurations want it.
    pub(crate) bundle: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    answer: Box<Answer>,
    /// Path and request of each review.
    seen: Mutex<Vec<(String, Value)>>,
    connections: Mutex<usize>,
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Webhooks {
    /// Starts one that proves to be `name`.
    pub(crate) async fn start(
        name: &str,
        answer: impl Fn(&str, &Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        let key = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let certificate = key.cert.der().clone();
        let private = PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(private))
            .expect("a key");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(State {
            answer: Box::new(answer),
            seen: Mutex::default(),
            connections: Mutex::default(),
        });
        let task = tokio::spawn(serve(
            listener,
            TlsAcceptor::from(Arc::new(tls)),
            state.clone(),
        ));
        Self {
            port,
            bundle: STANDARD.encode(key.cert.pem()),
            state,
            task,
        }
    }

    /// How configurations find a path of it.
    pub(crate) fn at(&self, path: &str) -> Value {
        json!({"url": format!("https://127.0.0.1:{}{path}", self.port), "caBundle": self.bundle})
    }

    /// The requests of the reviews since the last time, with their paths.
    pub(crate) fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.state.seen.lock().expect("no panic"))
    }

    pub(crate) fn connections(&self) -> usize {
        *self.state.connections.lock().expect("no panic")
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        *state.connections.lock().expect("no panic") += 1;
        let (tls, state) = (tls.clone(), state.clone());
        connections.spawn(async move {
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| answer(state.clone(), request));
            let io = TokioIo::new(stream);
            // How the client ends is its own business.
            let _ = http1::Builder::new().serve_connection(io, service).await;
        });
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let review: Value = serde_json::from_slice(&body).expect("a review");
    let asked = review["request"].clone();
    let mut response = (state.answer)(&path, &asked);
    let entry = (path, asked.clone());
    state.seen.lock().expect("no panic").push(entry);
    if let Some(delay) = response["delay"].as_u64() {
        tokio::time::sleep(std::time::Duration::from_secs(delay)).await;
    }
    if response["uid"].is_null() {
        response["uid"] = asked["uid"].clone();
    }
    let answer = json!({
        "apiVersion": review["apiVersion"], "kind": review["kind"], "response": response,
    });
    let mut answer = Response::new(Full::from(answer.to_string()));
    let json = http::HeaderValue::from_static("application/json");
    answer
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    Ok(answer)
}

/// A patch as responses carry it.
pub(crate) fn patched(operations: &Value) -> Value {
    json!({
        "allowed": true, "patchType": "JSONPatch",
        "patch": STANDARD.encode(operations.to_string()),
    })
}
