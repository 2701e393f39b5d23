//! Clients that are slow, silent, in a hurry, or of another age.
//!
//! Time is paused where a client has to be waited for: it goes on when nothing is left to do.

use std::time::Duration;

use http::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::subject::{MAPS, connect, exchange, get, head, read_to_end, sandbox, write};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_closed_on_after_the_times_of_a_real_server() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let version = head(&server, "GET /version HTTP/1.1");
    for (protocol, sent, seconds) in [
        (&b"http/1.1"[..], String::new(), 32),
        (b"http/1.1", "GET /ver".to_owned(), 32),
        (b"http/1.1", version.clone(), 32),
        // The connection has been of use, and is kept for a while.
        (b"http/1.1", version + "\r\n", 32),
        (b"h2", String::new(), 90),
        (b"h2", "PRI * HTT".to_owned(), 90),
    ] {
        let mut stream = connect(&server, &[protocol]).await;
        stream.write_all(sent.as_bytes()).await.expect("sent");
        let start = Instant::now();
        read_to_end(&mut stream).await;
        let waited = start.elapsed();
        let expected = seconds * SECOND;
        assert!(
            (expected..expected + 2 * SECOND).contains(&waited),
            "{sent:.20} {waited:?}"
        );
    }
    // Not even a handshake.
    let mut stream = TcpStream::connect(server.addr()).await.expect("connected");
    let start = Instant::now();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert!(start.elapsed() >= 31 * SECOND, "{:?}", start.elapsed());
    let journal = sandbox.journal();
    journal
        .until(|journal| journal.open_connections() == 0)
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_drips_is_closed_on_as_well() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let mut stream = connect(&server, &[b"http/1.1"]).await;
    let start = Instant::now();
    let mut bytes = b"GET /version HTTP/1.1\r\nX-Slow: ".to_vec();
    loop {
        let sent = stream.write_all(&bytes).await;
        bytes = b"a".to_vec();
        let mut answer = [0; 100];
        match timeout(SECOND, stream.read(&mut answer)).await {
            Err(_) if sent.is_ok() => {}
            _ => break,
        }
        assert!(start.elapsed() < 60 * SECOND, "still open");
    }
    assert!(start.elapsed() >= 30 * SECOND, "{:?}", start.elapsed());
}

#[tokio::test]
async fn bodies_that_never_end_end_with_the_limit_or_the_server() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let post = head(&server, &format!("POST {MAPS} HTTP/1.1"));
    let mut endless = connect(&server, &[b"http/1.1"]).await;
    let begin = format!("{post}Transfer-Encoding: chunked\r\n\r\n");
    endless.write_all(begin.as_bytes()).await.expect("sent");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut answer = Vec::new();
    for _ in 0..200 {
        // The server stops to read when it knows enough.
        let sending = timeout(SECOND, endless.write_all(chunk.as_bytes()));
        if !matches!(sending.await, Ok(Ok(()))) {
            break;
        }
    }
    let _ = timeout(5 * SECOND, endless.read_buf(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
        "{answer:.200}"
    );

    // A real server waits for the rest of a body as long as it runs.
    let mut silent = connect(&server, &[b"http/1.1"]).await;
    let begin = format!("{post}Content-Length: 500\r\n\r\n{{");
    silent.write_all(begin.as_bytes()).await.expect("sent");
    assert_eq!(get(&sandbox.client(), "/readyz").await.0, 200);
    let start = Instant::now();
    server.stop().await;
    read_to_end(&mut silent).await;
    assert!(start.elapsed() < 10 * SECOND);
}

#[tokio::test]
async fn requests_in_one_go_are_answered_in_their_order() {
    let sandbox = sandbox().await;
    let server = sandbox.serve().await.expect("serving");
    let request = |path: &str| head(&server, &format!("GET {path} HTTP/1.1"));
    let mut all = String::new();
    for number in 0..50 {
        all += &(request(&format!("{MAPS}/none-{number}")) + "\r\n");
    }
    all += &(request("/readyz") + "Connection: close\r\n\r\n");
    let answers = exchange(&server, &all).await;
    let mut rest = answers.as_str();
    for number in 0..50 {
        let name = format!("configmaps \\\"none-{number}\\\" not found");
        let at = rest.find(&name).expect("each in its turn");
        rest = &rest[at..];
    }
    assert!(rest.ends_with("ok"), "{rest:.200}");
    // A client of another age has its connection closed.
    let old = head(&server, "GET /readyz HTTP/1.0") + "\r\n";
    assert!(exchange(&server, &old).await.ends_with("ok"));
}

#[tokio::test]
async fn who_reads_slowly_costs_no_more_than_the_buffers_of_the_connection() {
    let sandbox = kopfrs_sandbox::Sandbox::builder()
        .history_window(20)
        .build();
    let yaml = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
    sandbox.apply_yaml(yaml).await.expect("applied");
    let server = sandbox.serve().await.expect("serving");
    let watch = head(&server, &format!("GET {MAPS}?watch=1 HTTP/1.1")) + "\r\n";
    let mut slow = connect(&server, &[b"http/1.1"]).await;
    slow.write_all(watch.as_bytes()).await.expect("sent");
    let journal = sandbox.journal();
    journal.until(|journal| journal.open_watches() == 1).await;
    let client = sandbox.client();
    let (path, kind) = (format!("{MAPS}/a"), "application/merge-patch+json");
    for number in 0..400 {
        let body = format!(r#"{{"data":{{"a":"{number}{}"}}}}"#, "x".repeat(100_000));
        let answer = write(&client, (Method::PATCH, &path), kind, body).await;
        assert_eq!(answer.0, 200);
        // The connection has its turn.
        tokio::task::yield_now().await;
    }
    let watches = journal.requests().verb("watch");
    let sent = watches[0].response_bytes();
    assert!(sent < 16 * 1024 * 1024, "{sent} bytes of 40 million");
    // The log has gone on without it, and that is what it is told.
    let mut text = String::new();
    while !text.contains("too old resource version") {
        let mut bytes = vec![0; 100_000];
        let read = timeout(10 * SECOND, slow.read(&mut bytes)).await;
        let read = read.expect("more").expect("bytes");
        assert!(read > 0, "closed without a word");
        // The end of what came before may be the beginning of the word.
        let tail = text.len().saturating_sub(100);
        text = text.get(tail..).unwrap_or_default().to_owned()
            + &String::from_utf8_lossy(&bytes[..read]);
    }
    journal.until(|journal| journal.open_watches() == 0).await;
}
