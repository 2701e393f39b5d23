//! `patch`, `edit`, `label`, `annotate`, `scale` and `set`.

use serde_json::json;

use kopfrs::testing::Cluster;

use super::{Kubectl, has};

#[kopfrs::test(wire)]
async fn patches_of_the_three_types(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl
        .ok("create deployment web --image web:1 --replicas 0")
        .await;
    let strategic =
        r#"'{"spec":{"template":{"spec":{"containers":[{"name":"log","image":"log:1"}]}}}}'"#;
    kubectl
        .ok(&format!("patch deployment web -p {strategic}"))
        .await;
    let containers = kubectl
        .ok("get deployment web -o jsonpath='{.spec.template.spec.containers[*].name}'")
        .await;
    let containers: Vec<&str> = containers.split(' ').collect();
    assert_eq!(containers.len(), 2, "merged by name: {containers:?}");
    let web = containers.iter().position(|name| *name == "web");
    let web = web.expect("the one that was there");
    kubectl
        .ok(r#"patch deployment web --type merge -p '{"spec":{"paused":true}}'"#)
        .await;
    let path = format!("/spec/template/spec/containers/{web}");
    let json = format!(
        r#"'[{{"op":"test","path":"{path}/name","value":"web"}},{{"op":"remove","path":"{path}"}}]'"#
    );
    kubectl
        .ok(&format!("patch deployment web --type json -p {json}"))
        .await;
    let web = kubectl.json("get deployment web").await;
    assert_eq!(web["spec"]["paused"], true);
    assert_eq!(
        web["spec"]["template"]["spec"]["containers"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let refused = kubectl
        .refused(&format!("patch deployment web --type json -p {json}"))
        .await;
    has(
        &refused,
        &["the server rejected our request due to an error in our request"],
    );
    // Nobody else writes to it: kubectl compares what was there a moment ago.
    kubectl
        .ok("create configmap still --from-literal k=v")
        .await;
    let told = kubectl
        .ok(r#"patch configmap still --type merge -p '{"data":{"k":"v"}}'"#)
        .await;
    assert_eq!(told.trim(), "configmap/still patched (no change)");
}

#[kopfrs::test(wire)]
async fn edit_sends_what_the_editor_changed(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok("create configmap m --from-literal k=old").await;
    let editor = kubectl.file("editor.sh", "sed -i \"s/$FROM/$TO/\" \"$1\"\n");
    let edit = async |from: &str, to: &str| {
        let mut command = kubectl.command("edit configmap m");
        command
            .env("EDITOR", format!("sh {editor}"))
            .env("FROM", from)
            .env("TO", to);
        let child = command.spawn().expect("kubectl starts");
        super::finish(child, "edit", "").await
    };
    let outcome = edit("k: old", "k: new").await;
    has(&outcome.out, &["configmap/m edited"]);
    let map = kubectl.json("get configmap m").await;
    assert_eq!(map["data"], json!({"k": "new"}));
    let outcome = edit("nothing", "nothing").await;
    has(
        &(outcome.out + &outcome.err),
        &["Edit cancelled, no changes made"],
    );
}

#[kopfrs::test(wire)]
async fn labels_and_annotations_are_set_and_taken_away(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok("create configmap m").await;
    has(
        &kubectl.ok("label configmap m a=1 b=2").await,
        &["configmap/m labeled"],
    );
    has(
        &kubectl.refused("label configmap m a=2").await,
        &["already has a value (1)"],
    );
    kubectl.ok("label configmap m a=2 b- --overwrite").await;
    has(
        &kubectl.ok("annotate configmap m note='two words'").await,
        &["configmap/m annotated"],
    );
    let map = kubectl.json("get configmap m").await;
    assert_eq!(map["metadata"]["labels"], json!({"a": "2"}));
    assert_eq!(map["metadata"]["annotations"], json!({"note": "two words"}));
    has(
        &kubectl.refused("label configmap m bad!=1").await,
        &["bad!"],
    );
}

#[kopfrs::test(wire)]
async fn scale_and_set_change_workloads(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl
        .ok("create deployment web --image web:1 --replicas 0")
        .await;
    let told = kubectl
        .ok("scale deployment web --replicas 2 --current-replicas 0")
        .await;
    assert_eq!(told.trim(), "deployment.apps/web scaled");
    let refused = kubectl
        .refused("scale deployment web --replicas 1 --current-replicas 0")
        .await;
    has(&refused, &["Expected replicas to be 0, was 2"]);
    kubectl.ok("scale deployment web --replicas 0").await;
    kubectl.ok("set image deployment/web web=web:2").await;
    kubectl.ok("set env deployment/web A=1").await;
    let web = kubectl.json("get deployment web").await;
    assert_eq!(web["spec"]["replicas"], 0);
    let container = &web["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "web:2");
    assert_eq!(container["env"], json!([{"name": "A", "value": "1"}]));
    has(
        &kubectl.refused("scale configmap web --replicas 1").await,
        &["not"],
    );
}
