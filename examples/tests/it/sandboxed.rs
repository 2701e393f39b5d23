//! With `--sandbox`, nothing else is talked to, whatever the environment says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use crate::program::{Program, until};

/// A port that counts who comes, and how often.
async fn trap() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let visits = Arc::<AtomicUsize>::default();
    let counted = visits.clone();
    tokio::spawn(async move {
        while let Ok((_connection, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, visits)
}

#[tokio::test]
async fn no_request_leaves_for_the_cluster_of_the_environment() {
    let (port, visits) = trap().await;
    let kubeconfig = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
             clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], users: [{{name: u, user: {{token: t}}}}]}}"
    );
    std::fs::write(kubeconfig.path(), text).unwrap();
    let port = port.to_string();
    let proxy = format!("http://127.0.0.1:{port}");
    let environment = [
        ("KUBECONFIG", kubeconfig.path().to_str().unwrap()),
        ("KUBERNETES_SERVICE_HOST", "127.0.0.1"),
        ("KUBERNETES_SERVICE_PORT", &port),
        ("HTTP_PROXY", &proxy),
        ("HTTPS_PROXY", &proxy),
        ("ALL_PROXY", &proxy),
    ];
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/devoops/manifests");
    let arguments = ["--sandbox", "--apply", manifests];
    let devoops = env!("CARGO_BIN_EXE_devoops");
    let program = Program::start_in(devoops, &arguments, &environment);
    program.until("create: create handler succeeded", 1).await;
    program.stop().await.assert_calm();
    assert_eq!(visits.load(Ordering::SeqCst), 0, "somebody has knocked");

    // The same without the sandbox does go there: the trap works.
    let program = Program::start_in(devoops, &[], &environment[..1]);
    until("a visit", || async { visits.load(Ordering::SeqCst) > 0 }).await;
    drop(program);
}

#[tokio::test]
async fn daemons_end_with_their_program() {
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests");
    let arguments = ["--sandbox", "--apply", manifests];
    let program = Program::start_in(env!("CARGO_BIN_EXE_14-daemons"), &arguments, &[]);
    program.until("background_sync: => ping", 1).await;
    program.until("background_async: => ping", 1).await;
    let log = program.stop().await;
    log.assert_once("=> ending after");
    log.assert_once(": OPERATOR_EXITING");
    log.assert_calm();
}
