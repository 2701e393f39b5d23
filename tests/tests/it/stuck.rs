//! Programs that block their own end.

use std::process::Stdio;
use std::time::{Duration, Instant};

use kopfrs::testing::Cluster;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

#[kopfrs::test(wire)]
async fn a_program_that_cannot_end_is_ended(cluster: Cluster) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stuck"))
        .args(["run", "--log-format", "plain", "--kubeconfig"])
        .arg(cluster.kubeconfig())
        .env("KOPFRS_PROCESS_ULTIMATE_EXITING_TIMEOUT", "2s")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("waiting to be stopped") {
        line.clear();
        let read = timeout(Duration::from_secs(60), stderr.read_line(&mut line)).await;
        assert!(
            read.expect("it says so").expect("it is a text") > 0,
            "it has ended"
        );
    }
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
