//! What the commands of an operator print, and how it refuses to start.

use std::process::{Command, Output};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kopfrs::testing::Cluster;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

/// Runs an example to its end, with nothing of the kind in its environment.
fn output(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KOPFRS_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"))
}

fn printed(program: &str, arguments: &[&str]) -> Vec<Value> {
    let output = output(program, arguments, &[]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found = objects.iter().find(|object| object["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {objects:?}"))
}

const DEVOOPS: &str = env!("CARGO_BIN_EXE_devoops");

#[kopfrs::test]
async fn the_definition_of_a_kind_is_printed_once_and_is_accepted_by_the_api(cluster: Cluster) {
    let printed = printed(DEVOOPS, &["crd"]);
    assert_eq!(printed.len(), 1);
    let names = &printed[0]["spec"]["names"];
    assert_eq!(
        (&names["plural"], &names["kind"]),
        (&json!("demo"), &json!("Demo"))
    );
    assert!(printed[0]["spec"]["versions"][0]["subresources"]["status"].is_object());
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client());
    let definition = serde_json::from_value(printed[0].clone()).unwrap();
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    // It may be there already: another example uses it.
    match definitions.create(&params, &definition).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn without_a_type_that_knows_its_definition_the_command_says_so() {
    let output = output(env!("CARGO_BIN_EXE_01-minimal"), &["crd"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("none of the handlers is declared for a type"),
        "{said}"
    );
}

#[test]
fn manifests_have_the_least_rights_everywhere_or_in_the_namespaces_named() {
    let everywhere = printed(DEVOOPS, &["manifests", "--image", "demo:1"]);
    let rules = |role: &Value| role["rules"].as_array().unwrap().clone();
    let events = json!({
        "apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"],
    });
    let kind = json!({
        "apiGroups": ["devoops.io"], "resources": ["demo"], "verbs": ["get", "list", "watch", "patch"],
    });
    let namespaces =
        json!({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]});
    let all = rules(of_kind(&everywhere, "ClusterRole"));
    assert!(all.contains(&events) && all.contains(&kind), "{all:?}");
    assert!(!all.contains(&namespaces));
    let pod = &of_kind(&everywhere, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], "demo:1");
    assert_eq!(
        pod["containers"][0]["args"],
        json!(["run", "--all-namespaces", "--admin=:8080"])
    );
    let probe = |name: &str| pod["containers"][0][name]["httpGet"]["path"].clone();
    assert_eq!(
        (probe("livenessProbe"), probe("readinessProbe")),
        (json!("/livez"), json!("/readyz"))
    );
    let peerings = json!({
        "apiGroups": ["kopf.dev"], "resources": ["clusterkopfpeerings"], "verbs": ["list", "watch", "patch"],
    });
    assert!(all.contains(&peerings), "{all:?}");
    assert_eq!(pod["serviceAccountName"], "devoops");

    let some = printed(DEVOOPS, &["manifests", "--image", "demo:1", "-n", "a,b"]);
    let roles: Vec<_> = some
        .iter()
        .filter(|object| object["kind"] == "Role")
        .collect();
    let places: Vec<_> = roles
        .iter()
        .map(|role| &role["metadata"]["namespace"])
        .collect();
    assert_eq!(places, ["a", "b"]);
    assert!(rules(roles[0]).contains(&kind) && rules(roles[0]).contains(&events));
    let cluster_wide = rules(of_kind(&some, "ClusterRole"));
    assert_eq!(cluster_wide.len(), 1, "{cluster_wide:?}");
    assert_eq!(
        cluster_wide[0]["resources"],
        json!(["customresourcedefinitions"])
    );

    let globs = printed(DEVOOPS, &["manifests", "--image", "demo:1", "-n", "team-*"]);
    let rules = rules(of_kind(&globs, "ClusterRole"));
    assert!(
        rules.contains(&namespaces) && rules.contains(&kind),
        "{rules:?}"
    );
}

#[test]
fn manifests_of_replicas_have_what_an_election_needs_where_its_lease_is() {
    let arguments = [
        "manifests",
        "--image",
        "demo:1",
        "-n",
        "a",
        "--leader-elect",
    ];
    let printed = printed(
        DEVOOPS,
        &[&arguments[..], &["--install-namespace", "ops"]].concat(),
    );
    let deployment = of_kind(&printed, "Deployment");
    assert_eq!(deployment["spec"]["replicas"], 2);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().unwrap();
    assert!(
        arguments.contains(&json!("--leader-elect")),
        "{arguments:?}"
    );
    assert_eq!(container["env"][0]["name"], "POD_NAME");
    let is_there = |object: &&Value| object["metadata"]["namespace"] == "ops";
    let mut roles = printed.iter().filter(|object| object["kind"] == "Role");
    let role = roles.find(is_there).unwrap();
    let leases = json!([{
        "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"],
    }]);
    assert_eq!(role["rules"], leases);
}

#[test]
fn freeze_and_resume_need_the_name_of_a_peering() {
    for command in ["freeze", "resume"] {
        let output = output(DEVOOPS, &[command], &[]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("--peering <NAME>"), "{said}");
    }
}

#[test]
fn a_setting_that_cannot_be_understood_ends_the_start() {
    let wrong = [("KOPFRS_EXECUTION_DEFAULT_BACKOFF", "soon")];
    let output = output(DEVOOPS, &["--sandbox"], &wrong);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let line = said.lines().last().unwrap_or_default();
    assert_eq!(
        line,
        "error: the environment says KOPFRS_EXECUTION_DEFAULT_BACKOFF=\"soon\", which is not a duration such \
         as 10s, 1m30s, 500ms, or a number of seconds"
    );
}

#[test]
fn help_tells_the_settings_of_the_environment() {
    let output = output(DEVOOPS, &["run", "--help"], &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    for variable in [
        "KOPFRS_EXECUTION_LIFECYCLE:",
        "KOPFRS_POSTING_LEVEL:",
        "KOPFRS_NAMESPACE",
    ] {
        assert!(said.contains(variable), "{variable}\n{said}");
    }
}
