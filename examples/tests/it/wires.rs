//! Whole programs: a signal is sent to a process, and a kubeconfig is read by one. Where the other tests have a sandbox
//! without sockets, these have one over TLS, or none but that of the program itself.

use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use crate::program::Program;

const DEFINITION: &str = include_str!("../../manifests/crd.yaml");
const OBJECT: &str = include_str!("../../manifests/obj.yaml");
const NAME: &str = "kopf-example-1";

#[kopfrs::test(wire)]
async fn a_program_finds_the_cluster_and_ends_with_a_signal(cluster: Cluster) {
    cluster.apply(DEFINITION).await;
    let examples = cluster.kind("kopfexamples.kopf.dev").await;
    let start = || {
        let example = env!("CARGO_BIN_EXE_05-handlers");
        Program::start(example, cluster.kubeconfig(), cluster.namespace())
    };
    let program = start();
    program.until("watching kopfexamples", 1).await;
    examples.create_from(OBJECT).await;
    program.until("create is handled: 3 succeeded", 1).await;
    let log = program.stop().await;
    log.assert_count("RESUMED", 0);
    log.assert_calm();

    examples
        .merge(NAME, json!({"spec": {"field": "other"}}))
        .await;
    let program = start();
    program.until("update is handled: 4 succeeded", 1).await;
    let log = program.stop().await;
    log.assert_count("CREATED", 0);
    log.assert_once(r#"UPDATED: spec.field: "value" → "other""#);
    log.assert_calm();
}

/// Nothing is written down, and nothing is done twice: what was handled is known from the object.
#[kopfrs::test(wire)]
async fn a_program_that_is_killed_leaves_its_work_to_the_next_one(cluster: Cluster) {
    cluster.apply(DEFINITION).await;
    let examples = cluster.kind("kopfexamples.kopf.dev").await;
    let start = || {
        let example = env!("CARGO_BIN_EXE_03-exceptions");
        Program::start(example, cluster.kubeconfig(), cluster.namespace())
    };
    let program = start();
    program.until("watching kopfexamples", 1).await;
    examples.create_from(OBJECT).await;
    let is_begun = |object: &Value| {
        object["status"]["handling"]
            .to_string()
            .contains("progress")
    };
    examples.until(NAME, is_begun).await;
    // Dropped, it gets a SIGKILL.
    drop(program);

    let program = start();
    program
        .until("create is handled: 1 succeeded, 3 failed", 1)
        .await;
    let log = program.stop().await;
    log.assert_count("instant_failure: create handler", 0);
    log.assert_calm();
}

#[tokio::test]
async fn the_first_command_of_the_readme() {
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/devoops/manifests");
    let program = Program::start_with(
        env!("CARGO_BIN_EXE_devoops"),
        &["--sandbox", "--apply", manifests],
    );
    program
        .until("[default/demo-1] create: create handler succeeded", 1)
        .await;
    program.until("export KUBECONFIG=", 1).await;
    let log = program.stop().await;
    log.assert_once("say_goodbye: cleanup handler succeeded");
    log.assert_calm();
}
