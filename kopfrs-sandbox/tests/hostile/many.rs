//! Hundreds of connections.

use std::time::Duration;

use tokio::time::timeout;

use crate::subject::{connect, get, head, read_to_end, sandbox};

#[tokio::test]
async fn many_idle_connections_leave_room_for_one_more() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(connect(&server, &[b"http/1.1"]).await);
    }
    assert_eq!(sandbox.journal().open_connections(), 300);
    let request = head(&server, "GET /readyz HTTP/1.1") + "Connection: close\r\n\r\n";
    let answer = crate::subject::exchange(&server, &request).await;
    assert!(answer.ends_with("ok"), "{answer}");
    assert_eq!(get(&sandbox.client(), "/readyz").await.0, 200);
    server.stop().await;
    for stream in &mut idle {
        let end = timeout(Duration::from_secs(10), read_to_end(stream)).await;
        assert_eq!(end.expect("closed"), "");
    }
}
