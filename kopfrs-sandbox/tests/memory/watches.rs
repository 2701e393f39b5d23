//! Thousands of watches.

use std::time::Duration;

use h2::RecvStream;
use http::Request;
use kopfrs_sandbox::Sandbox;
use tokio::time::timeout;

use crate::{Meter, subject::connect};

const PATH: &str = "/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=0";

/// Opens so many watches over one connection.
async fn watches(server: &kopfrs_sandbox::Server, number: usize) -> Vec<RecvStream> {
    let stream = connect(server, &[b"h2"]).await;
    let (mut sender, connection) = h2::client::handshake(stream).await.expect("a handshake");
    tokio::spawn(async move { drop(connection.await) });
    let mut bodies = Vec::new();
    for _ in 0..number {
        sender = sender.ready().await.expect("open");
        let request = Request::get(format!("https://localhost{PATH}"))
            .header("authorization", format!("Bearer {}", server.token()))
            .body(())
            .expect("a request");
        let (answer, _) = sender.send_request(request, true).expect("sent");
        bodies.push(answer.await.expect("an answer").into_body());
    }
    bodies
}

#[tokio::test]
async fn ten_thousand_watches_are_served_and_all_end_with_the_server() {
    let meter = Meter::start().await;
    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.expect("serving");
    let mut bodies = Vec::new();
    for _ in 0..100 {
        bodies.extend(watches(&server, 100).await);
    }
    let journal = sandbox.journal();
    assert_eq!(journal.open_watches(), 10_000);
    if let Some(grown) = meter.grown() {
        let each = grown / 10_000;
        println!("{each} bytes a watch, the client's part included");
        assert!(each < 20_000, "{each} bytes a watch");
    }
    let yaml = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
    sandbox.apply_yaml(yaml).await.expect("applied");
    for body in &mut bodies {
        let event = body.data().await.expect("an event").expect("bytes");
        assert!(event.starts_with(b"{\"type\":\"ADDED\""));
        body.flow_control()
            .release_capacity(event.len())
            .expect("released");
    }
    server.stop().await;
    for body in &mut bodies {
        // An end may come with an empty piece.
        let rest = async {
            while let Some(Ok(piece)) = body.data().await {
                assert!(piece.is_empty(), "{piece:?}");
            }
        };
        let end = timeout(Duration::from_secs(10), rest).await;
        end.expect("no watch is forgotten");
    }
    journal.until(|journal| journal.open_watches() == 0).await;
    journal
        .until(|journal| journal.open_connections() == 0)
        .await;
}
