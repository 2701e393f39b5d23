//! Something in front of the operator.

use std::sync::Arc;

use kopfrs::handler::AdmissionError;
use kopfrs::settings::WebhookServer;
use kube::api::PostParams;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::endpoints::free_port;
use super::*;

/// The end of a tunnel with a certificate of its own: its address, and whom to trust there.
async fn tunnel(port: u16) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let end = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outside = acceptor.accept(stream).await?;
                let mut inside = TcpStream::connect(("127.0.0.1", port)).await?;
                copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    (format!("https://localhost:{end}"), made.cert.pem())
}

#[kopfrs::test(wire)]
async fn the_api_server_asks_at_the_end_of_a_tunnel(cluster: Cluster) {
    cluster.install::<Ticket>().await;
    let port = free_port();
    let (url, trusted) = tunnel(port).await;
    let server = WebhookServer::new().insecure(true).port(port);
    let server = server
        .path("/hooks")
        .url(format!("{url}/hooks"))
        .cadata(trusted);
    let refuse = async || Err::<(), _>(AdmissionError::new("refused").code(422));
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(refuse));
    let setup = cluster.operator().handlers(handlers);
    let setup = setup.settings(|settings| settings.admission.server = Some(server));
    let operator = setup.webhooks().start().await;
    let made = api(&cluster)
        .create(&PostParams::default(), &ticket("a", 1))
        .await;
    assert_eq!(refusal(made).0, 422);
    operator.stop().await;
}

#[kopfrs::test]
async fn what_no_api_server_would_ask_is_a_mistake(cluster: Cluster) {
    cluster.install::<Ticket>().await;
    let handlers = Registry::new().add(on::validate::<Ticket>().id("check").run(async || {}));
    let setup = cluster.operator().handlers(handlers).settings(|settings| {
        settings.admission.server = Some(WebhookServer::new().insecure(true));
    });
    let operator = setup.webhooks().launch().await;
    let error = operator.ended().await.unwrap_err().to_string();
    assert!(error.contains("set url to what is in front"), "{error}");
}
