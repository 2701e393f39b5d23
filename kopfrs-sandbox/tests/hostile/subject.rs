//! A sandbox, and ways to send it anything.

use std::sync::Arc;

use http::{Method, Request};
use http_body_util::BodyExt;
use kopfrs_sandbox::{Endpoint, Sandbox};
use kube::{Client, client::Body};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// An answer: its code, and its message if it is a `Status`, else its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer(pub(crate) u16, pub(crate) String);

pub(crate) async fn send(client: &Client, request: Request<Vec<u8>>) -> Answer {
    let answer = client
        .send(request.map(Body::from))
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a body");
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let message = serde_json::from_str::<Value>(&text).ok();
    let message = message.and_then(|status| Some(status["message"].as_str()?.to_owned()));
    Answer(status, message.unwrap_or(text))
}

pub(crate) async fn get(client: &Client, path: &str) -> Answer {
    let request = Request::get(path).body(Vec::new()).expect("a request");
    send(client, request).await
}

pub(crate) async fn write(
    client: &Client,
    (method, path): (Method, &str),
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request
        .header("content-type", content_type)
        .body(body.into())
        .expect("a request");
    send(client, request).await
}

/// A sandbox with the ConfigMap `a`.
pub(crate) async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let yaml = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: '1'}}";
    sandbox.apply_yaml(yaml).await.expect("applied");
    sandbox
}

/// A TLS connection that offers these protocols.
pub(crate) async fn connect(endpoint: &Endpoint, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    for certificate in endpoint.config().root_cert.expect("a root") {
        roots.add(certificate.into()).expect("a certificate");
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(endpoint.addr())
        .await
        .expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.expect("a handshake")
}

/// The head of a request with the token of the administrator, without the empty line that ends it.
pub(crate) fn head(endpoint: &Endpoint, line: &str) -> String {
    let token = endpoint.token();
    format!("{line}\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n")
}

/// Everything that comes until the other side closes.
pub(crate) async fn read_to_end(stream: &mut TlsStream<TcpStream>) -> String {
    let mut text = Vec::new();
    // Whoever is closed on without a farewell has still been closed on.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

/// Sends bytes over a connection of their own, and reads until the other side closes.
pub(crate) async fn exchange(endpoint: &Endpoint, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(endpoint, &[b"http/1.1"]).await;
    stream.write_all(bytes.as_ref()).await.expect("sent");
    read_to_end(&mut stream).await
}
