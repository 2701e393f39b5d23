//! HTTP/2 as it should not be spoken.

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use kopfrs_sandbox::Endpoint;
use tokio::time::timeout;

use crate::subject::{connect, get, sandbox};

/// A connection, with its background work under way.
async fn open(endpoint: &Endpoint) -> SendRequest<Bytes> {
    let stream = connect(endpoint, &[b"h2"]).await;
    let (sender, connection) = h2::client::handshake(stream).await.expect("a handshake");
    // Ends with the connection, whoever closes it.
    tokio::spawn(async move { drop(connection.await) });
    sender
}

fn request(endpoint: &Endpoint, path: &str) -> Request<()> {
    let request = Request::get(format!("https://localhost{path}"));
    let token = format!("Bearer {}", endpoint.token());
    let request = request.header("authorization", token).body(());
    request.expect("a request")
}

#[tokio::test]
async fn streams_that_are_reset_at_once_cost_nothing() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let mut sender = open(&server).await;
    let mut refused = false;
    for _ in 0..5_000 {
        let Ok(ready) = sender.clone().ready().await else {
            // Too much of it: the server has closed the connection.
            refused = true;
            break;
        };
        sender = ready;
        let request = request(&server, "/api/v1/configmaps?watch=1");
        let Ok((answer, mut stream)) = sender.send_request(request, true) else {
            refused = true;
            break;
        };
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
    }
    drop(sender);
    let journal = sandbox.journal();
    // Nothing is left of them, on this connection or on the server.
    journal.until(|journal| journal.open_watches() == 0).await;
    let mut sender = open(&server).await.ready().await.expect("open");
    let (answer, _) = sender
        .send_request(request(&server, "/readyz"), true)
        .expect("sent");
    assert_eq!(
        answer.await.expect("an answer").status(),
        200,
        "refused: {refused}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_connection_has_as_many_streams_as_with_a_real_server() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let mut sender = open(&server).await;
    let mut watches = Vec::new();
    for _ in 0..100 {
        sender = sender.ready().await.expect("open");
        let request = request(&server, "/api/v1/configmaps?watch=1");
        let (answer, _) = sender.send_request(request, true).expect("sent");
        watches.push(answer.await.expect("an answer"));
    }
    assert_eq!(sender.current_max_send_streams(), 100);
    let journal = sandbox.journal();
    assert_eq!(journal.open_watches(), 100);
    // The next one waits for one of them to end.
    let mut sender = sender.ready().await.expect("open");
    let (mut answer, _) = sender
        .send_request(request(&server, "/readyz"), true)
        .expect("sent");
    let patience = Duration::from_millis(100);
    assert!(timeout(patience, &mut answer).await.is_err());
    watches.pop();
    let answered = timeout(Duration::from_secs(10), answer).await;
    let answer = answered.expect("a place").expect("an answer");
    assert_eq!(answer.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn heads_beyond_the_limit_are_refused_and_others_go_on() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let mut sender = open(&server).await.ready().await.expect("open");
    let mut large = request(&server, "/version");
    let value = "a".repeat(60_000).parse().expect("a value");
    large.headers_mut().insert("x-large", value);
    let (answer, _) = sender.send_request(large, true).expect("sent");
    assert_eq!(answer.await.expect("an answer").status(), 200);
    let mut huge = request(&server, "/version");
    for number in 0..40 {
        let name = http::HeaderName::try_from(format!("x-{number}")).expect("a name");
        let value = "a".repeat(60_000).parse().expect("a value");
        huge.headers_mut().insert(name, value);
    }
    if let Ok((answer, _)) = sender.send_request(huge, true) {
        let answer = answer.await.map(|answer| answer.status().as_u16());
        assert!(!matches!(answer, Ok(200)), "{answer:?}");
    }
    // Whatever became of that connection, the server is there.
    let mut sender = open(&server).await.ready().await.expect("open");
    let (answer, _) = sender
        .send_request(request(&server, "/readyz"), true)
        .expect("sent");
    assert_eq!(answer.await.expect("an answer").status(), 200);
    assert_eq!(get(&sandbox.client(), "/readyz").await.0, 200);
    server.stop().await;
}
