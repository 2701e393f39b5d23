//! `get` in its forms, `get -w`, `describe`, and `events`.

use tokio::io::{AsyncBufReadExt, BufReader};

use kopfrs::testing::Cluster;

use super::{Kubectl, PATIENCE, has, rows};

#[kopfrs::test(wire)]
async fn get_prints_in_every_form(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok("create configmap b --from-literal k=v").await;
    kubectl.ok("create configmap a --from-literal k=z").await;
    kubectl.ok("label configmap a b on=yes").await;
    let select = "get configmap -l on=yes";
    let table = rows(&kubectl.ok(select).await);
    assert_eq!(table[0], "NAME DATA AGE");
    assert!(
        table[1].starts_with("a 1 ") && table[2].starts_with("b 1 "),
        "{table:?}"
    );
    let check = async |form: &str, expected: &str| {
        let printed = kubectl.ok(&format!("{select} {form}")).await;
        assert_eq!(rows(&printed).join("|"), expected, "{form}");
    };
    check("-o name", "configmap/a|configmap/b").await;
    check("-o jsonpath='{.items[*].metadata.name}'", "a b").await;
    check(
        "-o jsonpath='{.items[?(@.data.k==\"v\")].metadata.name}'",
        "b",
    )
    .await;
    check(
        "-o custom-columns=N:.metadata.name,V:.data.k",
        "N V|a z|b v",
    )
    .await;
    check("-o custom-columns=N:.metadata.name --no-headers", "a|b").await;
    check(
        "-o go-template='{{range .items}}{{.metadata.name}} {{end}}'",
        "a b",
    )
    .await;
    check("--sort-by '{.data.k}' -o name", "configmap/b|configmap/a").await;
    check("--field-selector metadata.name=b -o name", "configmap/b").await;
    check("--chunk-size 1 -o name", "configmap/a|configmap/b").await;
    let labels = rows(&kubectl.ok("get configmap b --show-labels -L on").await);
    assert_eq!(labels[0], "NAME DATA AGE ON LABELS");
    has(&labels[1], &["b 1", "yes on=yes"]);
    has(
        &kubectl.ok("get configmap b -o yaml").await,
        &["apiVersion: v1", "k: v", "kind: ConfigMap"],
    );
    let list = kubectl.json("get configmap,secret -l on=yes").await;
    assert_eq!(
        (&list["kind"], list["items"].as_array().map(Vec::len)),
        (&"List".into(), Some(2))
    );
    let none = kubectl.run("get configmap -l on=no", "").await;
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    has(&none.err, &["No resources found"]);
}

#[kopfrs::test(wire)]
async fn pods_are_printed_wide(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok("run web --image web:1").await;
    let table = rows(&kubectl.ok("get pod web -o wide").await);
    let columns = "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES";
    assert_eq!(table[0], columns);
    has(&table[1], &["web 0/1"]);
    has(&kubectl.ok("get all").await, &["pod/web"]);
}

#[kopfrs::test(wire)]
async fn get_watches(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok("create configmap a").await;
    let mut watching = kubectl.spawn(
        "get configmap --field-selector metadata.name=a -w --output-watch-events --no-headers",
    );
    let stdout = watching.stdout.take().expect("piped");
    let mut lines = BufReader::new(stdout).lines();
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("a line in time").expect("output");
        rows(&line.expect("a line")).remove(0)
    };
    has(&next().await, &["ADDED a 0"]);
    kubectl.ok("label configmap a on=yes").await;
    has(&next().await, &["MODIFIED a 0"]);
    kubectl.ok("delete configmap a --wait=false").await;
    has(&next().await, &["DELETED a 0"]);
    watching.kill().await.expect("killed");
}

#[kopfrs::test(wire)]
async fn get_watches_tables(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl.ok("create configmap a").await;
    let mut watching = kubectl.spawn("get configmap a --watch");
    let stdout = watching.stdout.take().expect("piped");
    let mut lines = BufReader::new(stdout).lines();
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line
            .expect("a line in time")
            .expect("output")
            .expect("a line");
        rows(&line).remove(0)
    };
    assert_eq!(next().await, "NAME DATA AGE");
    assert!(next().await.starts_with("a 0 "));
    let patch = r#"patch configmap a --type merge -p '{"data":{"k":"v"}}'"#;
    kubectl.ok(patch).await;
    assert!(next().await.starts_with("a 1 "));
    watching.kill().await.expect("killed");
}

#[kopfrs::test(wire)]
async fn describe_tells_of_the_object_and_its_events(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    kubectl
        .ok("create deployment web --image web:1 --replicas 0")
        .await;
    let told = kubectl.ok("describe deployment web").await;
    has(
        &told,
        &["Name:", "web", "Replicas:", "0 desired", "Image:", "web:1"],
    );
    kubectl.ok("run pod --image web:1").await;
    let uid = kubectl
        .ok("get pod pod -o jsonpath='{.metadata.uid}'")
        .await;
    let namespace = kubectl.namespace();
    let event = format!(
            "{{apiVersion: v1, kind: Event, metadata: {{name: e}}, type: Normal, reason: Greeted, message: hello there,
              involvedObject: {{apiVersion: v1, kind: Pod, name: pod, namespace: {namespace}, uid: {uid}}},
              firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z', count: 1}}"
        );
    kubectl.ok_with("create -f -", &event).await;
    has(
        &kubectl.ok("describe pod pod").await,
        &["Image:", "web:1", "Events:", "Greeted", "hello there"],
    );
    has(
        &kubectl.ok("events --for pod/pod").await,
        &["Greeted", "Pod/pod", "hello there"],
    );
    has(
        &kubectl.ok("get events").await,
        &["Greeted", "pod/pod", "hello there"],
    );
    kubectl.ok("create configmap m --from-literal k=v").await;
    has(
        &kubectl.ok("describe configmap m").await,
        &["Name:", "m", "Data", "k:", "v"],
    );
    kubectl
        .ok("create secret generic s --from-literal k=value")
        .await;
    has(
        &kubectl.ok("describe secret s").await,
        &["Type:", "Opaque", "k:", "5 bytes"],
    );
}
