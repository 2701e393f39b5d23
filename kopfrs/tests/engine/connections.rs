//! What becomes of connections: whole operators, by both versions of HTTP.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use kopfrs::prelude::*;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use crate::bench::{Bench, Demo, Running, Status};
use crate::relay::Relay;

fn operator(
    bench: &Bench,
    credentials: impl Into<kopfrs::api::Credentials>,
) -> kopfrs::operator::OperatorBuilder {
    Operator::builder()
        .registry(Registry::new().add(on::create::<Demo>().id("create").run(bench.noting())))
        .credentials(credentials.into())
}

#[tokio::test]
async fn an_operator_that_has_ended_leaves_no_connection_open() {
    for http2 in [true, false] {
        let bench = Bench::new(Status::Open).await;
        let server = bench.sandbox.serve().await.unwrap();
        let relay = Relay::start(server.addr()).await;
        for n in 0..50 {
            bench
                .create(&format!("object-{n}"), json!({"size": 1}))
                .await;
        }
        let mut settings = Settings::default();
        settings.networking.http2 = http2;
        let credentials = relay.credentials(server.config());
        let running = Running::start(operator(&bench, credentials).settings(settings)).await;
        for n in 0..50 {
            bench.until_handled(&format!("object-{n}")).await;
        }
        assert!(relay.open() > 0);
        running.stop().await;
        bench
            .until("the end of all connections", || async { relay.open() == 0 })
            .await;
        server.stop().await;
    }
}

/// Leads from an address of version six to a server.
async fn lead(server: SocketAddr) -> (SocketAddr, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let leading = tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(server).await.unwrap();
            tokio::spawn(async move {
                // However it ends, it has ended.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, AbortOnDropHandle::new(leading))
}

#[tokio::test]
async fn certificates_are_checked_against_the_name_that_is_set() {
    let bench = Bench::new(Status::Open).await;
    let server = bench.sandbox.serve().await.unwrap();
    let (address, _leading) = lead(server.addr()).await;
    assert!(matches!(address.ip(), IpAddr::V6(_)));
    let mut config = server.config();
    config.cluster_url = format!("https://{address}").parse().unwrap();
    config.tls_server_name = Some("localhost".to_owned());
    let running = Running::start(operator(&bench, config)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    server.stop().await;
}
