//! What needs nodes, where there are none: refused, and said so.

use kopfrs::testing::Cluster;

use super::{Kubectl, has};

#[kopfrs::test(wire)]
async fn what_needs_a_node_is_refused_clearly(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok("run web --image web:1").await;
    let nodes = kubectl.ok("get nodes -o name").await;
    if !nodes.is_empty() {
        // A cluster that runs containers has other reasons to refuse.
        return;
    }
    let version = kubectl.ok("get --raw /version").await;
    let is_sandbox = version.contains("\"goVersion\":\"rust\"");
    for line in ["exec web -- true", "attach web"] {
        let said = kubectl.refused(line).await;
        assert!(said.lines().count() < 5, "{line}: {said}");
        if is_sandbox {
            has(&said, &["the sandbox does not implement"]);
        }
    }
    has(
        &kubectl.refused("port-forward web 0:80").await,
        &["Pending"],
    );
    let file = kubectl.file("file", "content");
    let said = kubectl.refused(&format!("cp {file} web:/tmp/file")).await;
    assert!(!said.is_empty());
    assert!(!kubectl.refused("top pods").await.is_empty());
    has(&kubectl.refused("drain nowhere").await, &["not found"]);
}
