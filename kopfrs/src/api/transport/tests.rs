//! Several streams on one connection, to a server that is real enough.

use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kopfrs_sandbox::Sandbox;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use super::*;

async fn watch(transport: &Transport, namespace: &str) -> Reply {
    let path = format!("/api/v1/namespaces/{namespace}/configmaps?watch=true&resourceVersion=0");
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = transport.send(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body()
}

async fn create(client: &Client, namespace: &str, name: &str, size: usize) {
    let object = serde_json::from_value(json!({
        "metadata": {"name": name},
        "data": {"text": "x".repeat(size)},
    }));
    let api = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    api.create(&PostParams::default(), &object.unwrap())
        .await
        .unwrap();
}

/// Reads until a text has come; gives how much that was.
async fn read_until(stream: &mut Reply, text: &str) -> usize {
    let mut read = Vec::new();
    loop {
        let frame = stream.frame().await.expect("it goes on").unwrap();
        read.extend(frame.into_data().unwrap());
        if String::from_utf8_lossy(&read).contains(text) {
            return read.len();
        }
    }
}

#[tokio::test]
async fn a_stream_that_nobody_reads_stops_no_other() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.unwrap();
    let client = sandbox.client();
    for name in ["left", "read"] {
        let object = serde_json::from_value::<Namespace>(json!({"metadata": {"name": name}}));
        Api::all(client.clone())
            .create(&PostParams::default(), &object.unwrap())
            .await
            .unwrap();
    }
    let outfit = Outfit::new(NetworkingSettings::default());
    let transport = Transport::new(server.config(), &outfit).unwrap();
    let mut left = watch(&transport, "left").await;
    let mut read = watch(&transport, "read").await;
    for n in 0..10 {
        create(&client, "left", &format!("large-{n}"), 700_000).await;
    }
    create(&client, "read", "small", 10).await;
    let seen = timeout(Duration::from_secs(60), read_until(&mut read, "small"));
    seen.await.expect("it is not stopped");
    let seen = timeout(Duration::from_secs(60), read_until(&mut left, "large-9"));
    let length = seen.await.expect("it goes on where it was");
    assert!(length > 7_000_000 - 700_000, "{length}");
    server.stop().await;
}
