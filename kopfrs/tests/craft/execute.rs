//! Whole operators of the program, with the script that `init` writes.

use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use crate::program::Folder;

const GREETING: &str =
    "{apiVersion: hello.example.com/v1, kind: Greeting, metadata: {name: a}, spec: {text: hello}}";

fn is_succeeded(greeting: &Value) -> bool {
    let status = &greeting["status"];
    status["phase"] == "Succeeded"
        && status["observedGeneration"] == greeting["metadata"]["generation"]
}

/// What the API says to an object with this spec.
async fn refused(cluster: &Cluster, spec: Value) -> String {
    let object = json!({
        "apiVersion": "hello.example.com/v1", "kind": "Greeting", "metadata": {"name": "bad"}, "spec": spec,
    });
    let path = format!(
        "/apis/hello.example.com/v1/namespaces/{}/greetings",
        cluster.namespace()
    );
    let request = http::Request::post(path).header("content-type", "application/json");
    let request = request.body(object.to_string().into_bytes()).unwrap();
    let answer = cluster.client().request::<Value>(request).await;
    answer.expect_err("it is refused").to_string()
}

#[kopfrs::test(wire)]
async fn a_script_manages_objects_from_their_creation_to_their_deletion(cluster: Cluster) {
    let folder = Folder::furnished();
    let program = folder.start_operator(&cluster, "./manager");
    program
        .until(
            &cluster,
            "installed the definition greetings.hello.example.com",
        )
        .await;
    let greetings = cluster.kind("greetings.hello.example.com").await;

    // The schema is that of the file.
    for (spec, field) in [
        (json!({}), "spec.text"),
        (json!({"text": "a", "copies": 6}), "spec.copies"),
        (json!({"text": "a", "tone": "cold"}), "spec.tone"),
        (json!({"text": "{}"}), "spec.text"),
    ] {
        let said = refused(&cluster, spec).await;
        assert!(said.contains(field), "{said}");
    }

    let file = format!("greetings/{}.a", cluster.namespace());
    greetings.create_from(GREETING).await;
    let made = greetings.until("a", is_succeeded).await;
    assert_eq!(folder.read(&file), "hello");
    assert_eq!(made["status"]["payload"]["file"], file);

    greetings
        .merge("a", json!({"spec": {"text": "good day"}}))
        .await;
    greetings
        .until("a", |greeting: &Value| {
            is_succeeded(greeting) && greeting["spec"]["text"] == "good day"
        })
        .await;
    assert_eq!(folder.read(&file), "good day");

    greetings.delete("a").await;
    greetings.until_gone("a").await;
    assert!(!folder.path().join(&file).exists());
    let log = folder.read("greetings/log");
    let mut calls: Vec<_> = log
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    calls.dedup();
    assert_eq!(
        calls,
        ["verify", "create", "verify", "update", "verify", "delete"],
        "{log}"
    );
    program.stop();
}

/// How often an operation was begun, as the script notes.
fn begun(folder: &Folder, operation: &str) -> usize {
    let log = folder.read("greetings/log");
    log.lines()
        .filter(|line| line.starts_with(operation))
        .count()
}

#[kopfrs::test(wire)]
async fn killed_at_any_moment_with_its_script_it_goes_on_and_makes_nothing_twice(cluster: Cluster) {
    let folder = Folder::furnished();
    let program = folder.start_operator(&cluster, "./manager");
    program.until(&cluster, "watching greetings").await;
    drop(program);
    let greetings = cluster.kind("greetings.hello.example.com").await;
    greetings.create_from(GREETING).await;

    let file = format!("greetings/{}.a", cluster.namespace());
    let mut made = None;
    for round in 0..12_u64 {
        let program = folder.start_operator(&cluster, "./manager");
        if round % 2 == 0 {
            program.until(&cluster, "watching greetings").await;
        }
        let text = json!({"spec": {"text": format!("round {round}")}});
        greetings.merge("a", text).await;
        // Any moment will do: each round has another one.
        tokio::time::sleep(std::time::Duration::from_millis(20 * round)).await;
        // SIGKILL, for the program and so for what it runs.
        drop(program);
        if made.is_none() && folder.path().join(&file).exists() {
            made = Some(begun(&folder, "create"));
        }
    }
    let program = folder.start_operator(&cluster, "./manager");
    greetings.until("a", is_succeeded).await;
    assert_eq!(folder.read(&file), "round 11");
    let made = made.unwrap_or_else(|| begun(&folder, "create"));
    assert_eq!(
        begun(&folder, "create"),
        made,
        "{}",
        folder.read("greetings/log")
    );
    greetings.delete("a").await;
    greetings.until_gone("a").await;
    assert!(!folder.path().join(&file).exists());
    program.stop();
}

#[kopfrs::test(wire)]
async fn without_a_cluster_there_is_the_sandbox(cluster: Cluster) {
    let folder = Folder::furnished();
    folder.write("greeting.yaml", GREETING);
    let arguments = [
        "exec",
        "--process",
        "./manager",
        "--sandbox",
        "--apply",
        "greeting.yaml",
    ];
    let program = folder.start(&arguments);
    let is_made = async || folder.read("greetings/default.a") == "hello";
    cluster.until("the greeting to be made", is_made).await;
    let log = program.stop();
    assert!(log.contains("export KUBECONFIG="), "{log}");
}

#[kopfrs::test(wire)]
async fn a_protected_group_is_refused_before_anybody_is_asked(cluster: Cluster) {
    let folder = Folder::furnished();
    let controller = folder
        .read("controller.json")
        .replace("example.com", "k8s.io");
    folder.write("controller.json", &controller);
    let kubeconfig = cluster.kubeconfig().to_str().unwrap().to_owned();
    let said = folder.fail(&[
        "exec",
        "--process",
        "./manager",
        "--kubeconfig",
        &kubeconfig,
    ]);
    assert!(
        said.contains("error: controller.json: $: the definition made of it is refused"),
        "{said}"
    );
}
