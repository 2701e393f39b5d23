//! Programs that block their own end.

use std::process::Stdio;
use std::time::{Duration, Instant};

use kopfrs::testing::Cluster;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// Runs a program until it says something. It may take so long to end.
pub(super) async fn running(
    cluster: &Cluster,
    (program, limit): (&str, &str),
    until: &str,
) -> (Child, BufReader<ChildStderr>) {
    let mut child = Command::new(program)
        .args(["run", "--log-format", "plain", "--kubeconfig"])
        .arg(cluster.kubeconfig())
        .env("KOPFRS_PROCESS_ULTIMATE_EXITING_TIMEOUT", limit)
        .env("TOKIO_WORKER_THREADS", "1")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains(until) {
        line.clear();
        let read = timeout(Duration::from_secs(60), stderr.read_line(&mut line)).await;
        assert!(
            read.expect("it says so").expect("it is a text") > 0,
            "it has ended"
        );
    }
    (child, stderr)
}

/// Tells a program to stop that cannot, and waits for its end.
async fn is_ended((mut child, mut stderr): (Child, BufReader<ChildStderr>)) {
    let pid = child.id().expect("it has not been awaited").to_string();
    let stopped = Instant::now();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(told.expect("kill is there").success());
    let status = timeout(Duration::from_secs(60), child.wait()).await;
    let status = status.expect("it is ended").expect("it is awaited");
    assert_eq!(status.code(), Some(1));
    assert!(stopped.elapsed() >= Duration::from_secs(2));
    let mut rest = String::new();
    stderr
        .read_to_string(&mut rest)
        .await
        .expect("it is a text");
    assert!(
        rest.contains("not ended 2s after being told to stop"),
        "{rest}"
    );
}

#[kopfrs::test(wire)]
async fn a_program_that_cannot_end_is_ended(cluster: Cluster) {
    let program = (env!("CARGO_BIN_EXE_stuck"), "2s");
    is_ended(running(&cluster, program, "waiting to be stopped").await).await;
}

#[kopfrs::test(wire)]
async fn a_program_that_cannot_notice_that_it_is_to_end_is_ended(cluster: Cluster) {
    let program = (env!("CARGO_BIN_EXE_blocked"), "2s");
    is_ended(running(&cluster, program, "BLOCKING").await).await;
}
