//! The client that handlers get, and servers whose answers do not come as they should.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper_util::rt::TokioIo;
use kube::Config;
use kube::client::Body;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::api::Connection;
use crate::api::transport::{BoxError, Reply};
use crate::settings::NetworkingSettings;

async fn vault(credentials: Credentials, settings: NetworkingSettings) -> Vault {
    let login: Login = Arc::new(move || std::future::ready(Ok(vec![credentials.clone()])).boxed());
    let opened = Vault::open(login, Outfit::new(settings), Clock::start());
    opened.await.unwrap()
}

fn narrow() -> NetworkingSettings {
    NetworkingSettings {
        requests_in_flight: 1,
        error_backoffs: Vec::new(),
        ..NetworkingSettings::default()
    }
}

/// A client of a server that is a function.
async fn client(
    answer: impl Fn(Request<Body>) -> BoxFuture<'static, Response<Reply>> + Clone + Send + 'static,
) -> Client {
    let service = tower::service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, kube::Error>(answered.await) }
    });
    let credentials = Credentials::from_client(Client::new(service, "default"));
    vault(credentials, narrow()).await.client()
}

/// A body whose parts come with a pause before each; the last one is followed by nothing.
fn slow(status: u16, parts: usize, pause: Duration, is_endless: bool) -> Response<Reply> {
    let parts = stream::iter(0..parts).then(move |_| async move {
        sleep(pause).await;
        Ok::<_, BoxError>(Frame::data(Bytes::from_static(b"ten bytes\n")))
    });
    let end = if is_endless {
        stream::pending().left_stream()
    } else {
        stream::empty().right_stream()
    };
    let body = StreamBody::new(parts.chain(end)).boxed_unsync();
    Response::builder().status(status).body(body).unwrap()
}

fn get(path: &str) -> Request<Vec<u8>> {
    Request::get(path).body(Vec::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stops_coming_is_given_up_and_leaves_its_place() {
    for status in [200, 401, 403] {
        let client = client(move |request| {
            let is_stuck = request.uri().path().ends_with("/stuck");
            let response = if is_stuck {
                slow(status, 2, Duration::ZERO, true)
            } else {
                slow(200, 1, Duration::ZERO, false)
            };
            std::future::ready(response).boxed()
        })
        .await;
        let day = Duration::from_secs(86400);
        let stuck = timeout(day, client.request_text(get("/api/v1/pods/stuck"))).await;
        stuck.expect("it ends").unwrap_err();
        let next = timeout(day, client.request_text(get("/api/v1/pods"))).await;
        assert_eq!(next.expect("there is a place").unwrap(), "ten bytes\n");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_its_time_as_long_as_it_comes() {
    let client = client(|_| {
        let response = slow(200, 10, Duration::from_secs(20), false);
        std::future::ready(response).boxed()
    })
    .await;
    let text = client.request_text(get("/api/v1/pods")).await.unwrap();
    assert_eq!(text.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_silent_container_is_waited_for_and_takes_no_place() {
    let client = client(|request| {
        async move {
            if request.uri().path().ends_with("/log") {
                sleep(Duration::from_secs(3600)).await;
            }
            slow(200, 1, Duration::ZERO, false)
        }
        .boxed()
    })
    .await;
    let log = client.clone();
    let log = async move {
        let path = "/api/v1/namespaces/a/pods/b/log?follow=true";
        log.request_text(get(path)).await
    };
    let other = async {
        sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        client.request_text(get("/api/v1/pods")).await.unwrap();
        began.elapsed()
    };
    let (log, waited) = tokio::join!(log, other);
    assert_eq!(log.unwrap(), "ten bytes\n");
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_refused_without_end_has_failed() {
    let client = client(|_| std::future::ready(slow(403, 1, Duration::ZERO, true)).boxed()).await;
    let connection = Connection::new(client, narrow());
    let watch = connection.watch("/api/v1/pods?watch=true");
    let ended = timeout(Duration::from_secs(86400), watch).await;
    assert!(ended.expect("it ends").is_err());
}

/// Answers one request on each connection; tells the head of the last one.
async fn serve(address: &str, answer: &'static str) -> (SocketAddr, AbortOnDropHandle<String>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let head = head(&mut connection).await;
        connection.write_all(answer.as_bytes()).await.unwrap();
        // What comes after the head of an upgrade is echoed.
        let (mut reader, mut writer) = connection.split();
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        head
    });
    (address, AbortOnDropHandle::new(serving))
}

async fn head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

async fn client_of(address: SocketAddr) -> Client {
    let config = Config::new(format!("http://{address}").parse().unwrap());
    vault(Credentials::new(config), narrow()).await.client()
}

#[tokio::test]
async fn a_connection_that_is_upgraded_carries_both_ways() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    let (address, _serving) = serve("127.0.0.1:0", answer).await;
    let client = client_of(address).await;
    let request = Request::get("/api/v1/namespaces/a/pods/b/exec?command=sh")
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "echo")
        .body(Body::empty())
        .unwrap();
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status(), 101);
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    stream.write_all(b"hello").await.unwrap();
    let mut echoed = [0; 5];
    stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"hello");
}

#[tokio::test]
async fn a_server_may_have_an_address_of_version_six() {
    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let (address, serving) = serve("[::1]:0", answer).await;
    let client = client_of(address).await;
    let text = client.request_text(get("/api/v1/pods")).await.unwrap();
    assert_eq!(text, "ok");
    let head = serving.await.unwrap();
    assert!(
        head.contains(&format!("host: [::1]:{}\r\n", address.port())),
        "{head}"
    );
}
