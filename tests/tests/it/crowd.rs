//! A program that goes along with a thousand objects, told to stop as a cluster does.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use kopfrs::testing::Cluster;
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use crate::stuck::running;

const DEFINITION: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: members.crowd.test}
spec:
  group: crowd.test
  scope: Namespaced
  names: {kind: Member, plural: members, singular: member}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

#[kopfrs::test(wire)]
async fn a_thousand_daemons_and_timers_end_in_time_when_their_program_is_told_to_stop(
    cluster: Cluster,
) {
    cluster.apply(DEFINITION).await;
    let members = cluster.kind("members.crowd.test").await;
    let creations = (0..1000).map(|number| {
        let member = json!({
            "apiVersion": "crowd.test/v1", "kind": "Member",
            "metadata": {"name": format!("member-{number}")}, "spec": {},
        });
        let members = &members;
        async move { drop(members.create(&member).await) }
    });
    stream::iter(creations)
        .buffer_unordered(16)
        .collect::<()>()
        .await;
    let program = (env!("CARGO_BIN_EXE_crowd"), "20s");
    let (mut child, mut stderr) = running(&cluster, program, "A THOUSAND TIMERS").await;
    // Nobody is to wait for somebody who reads what it says.
    let reading = tokio::spawn(async move {
        let read = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        read.expect("it can be read")
    });
    let pid = child.id().expect("it has not been awaited").to_string();
    let stopped = Instant::now();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(told.expect("kill is there").success());
    let status = timeout(Duration::from_secs(60), child.wait()).await;
    let status = status.expect("it ends").expect("it is awaited");
    assert!(status.success(), "{status}");
    // None of them has to be cancelled.
    assert!(stopped.elapsed() < Duration::from_secs(15));
    reading.await.expect("it reads until the end");
}
