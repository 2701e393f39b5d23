//! What `deploy` prints: accepted by the API, and enough for the operator.

use http::Request;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kopfrs::craft::Project;
use kopfrs::exec::Pod;
use kopfrs::testing::Cluster;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::kubelet::Kubelet;
use crate::program::Folder;

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

/// Where a document of one of these kinds is.
fn path(document: &Value) -> String {
    let version = document["apiVersion"].as_str().unwrap();
    let root = if version == "v1" {
        "/api/v1".to_owned()
    } else {
        format!("/apis/{version}")
    };
    let plural = format!("{}s", document["kind"].as_str().unwrap().to_lowercase());
    let name = document["metadata"]["name"].as_str().unwrap();
    match document["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("{root}/{plural}/{name}"),
    }
}

/// `kubectl apply --server-side --dry-run=server`, which is strict.
async fn assert_accepted(cluster: &Cluster, document: &Value) {
    let options = "dryRun=All&fieldManager=test&fieldValidation=Strict&force=true";
    let request = Request::patch(format!("{}?{options}", path(document)));
    let request = request.header("content-type", "application/apply-patch+yaml");
    let request = request.body(document.to_string().into_bytes()).unwrap();
    let answer = cluster.client().request::<Value>(request).await;
    assert!(answer.is_ok(), "{}: {answer:?}", path(document));
}

/// What is printed for `init`'s files was read by a person, and is kept.
#[test]
fn the_manifests_of_the_first_files_are_those_that_were_read() {
    let folder = Folder::furnished();
    let printed = folder.succeed(&["deploy"]);
    assert_eq!(printed, include_str!("golden/operator.yaml"));
    folder.succeed(&["deploy", "--output", "operator.yaml"]);
    assert_eq!(folder.read("operator.yaml"), printed);
}

#[test]
fn rights_are_those_that_the_runner_needs() {
    let folder = Folder::furnished();
    let rules = |arguments: &[&str]| -> Vec<(String, Vec<Value>)> {
        let printed = folder.succeed(&[&["deploy"], arguments].concat());
        let documents = documents(&printed);
        let roles = documents.iter().filter(|document| {
            document["kind"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("Role"))
        });
        roles
            .map(|role| {
                let rules = role["rules"].as_array().unwrap().iter();
                let resources = rules.map(|rule| rule["resources"][0].clone()).collect();
                (
                    role["metadata"]["namespace"]
                        .as_str()
                        .unwrap_or("*")
                        .to_owned(),
                    resources,
                )
            })
            .collect()
    };
    let own = [
        "events",
        "clusterkopfpeerings",
        "greetings",
        "greetings/status",
    ];
    let all = |more: &[&str]| -> Vec<Value> {
        let first = ["customresourcedefinitions"].iter().chain(&own).chain(more);
        first.map(|name| json!(name)).collect()
    };
    for (arguments, more) in [
        (&["--process", "/manager"][..], &[][..]),
        (&[], &["pods", "secrets"]),
        (&["--job"], &["jobs", "pods", "secrets"]),
    ] {
        assert_eq!(
            rules(arguments),
            [("*".to_owned(), all(more))],
            "{arguments:?}"
        );
    }
    let narrow = rules(&["-n", "a,b"]);
    let places: Vec<_> = narrow.iter().map(|(place, _)| &**place).collect();
    assert_eq!(places, ["*", "a", "b"]);
    assert_eq!(narrow[0].1, [json!("customresourcedefinitions")]);
}

#[test]
fn without_an_image_of_the_operator_the_mistake_is_told() {
    let folder = Folder::furnished();
    let controller = folder
        .read("controller.json")
        .replace("operator_image", "other_image");
    folder.write("controller.json", &controller);
    let said = folder.fail(&["deploy"]);
    assert!(
        said.contains("error: controller.json: $.operator_image: it is missing"),
        "{said}"
    );
    assert!(
        said.contains("warning: controller.json: $.other_image: nobody reads this"),
        "{said}"
    );
}

#[kopfrs::test]
async fn the_manifests_are_accepted_and_the_operator_runs_with_their_rights(cluster: Cluster) {
    let folder = Folder::furnished();
    let namespace = cluster.namespace();
    let controller = folder.read("controller.json");
    let controller = controller.replace(
        "\"greetings\",\n  \"version\"",
        &format!("{namespace:?},\n  \"version\""),
    );
    folder.write("controller.json", &controller);
    let text = folder.succeed(&["deploy", "--pod", "--namespace", namespace]);
    let documents = documents(&text);
    assert_eq!(documents.len(), 9);
    for document in &documents {
        assert_accepted(&cluster, document).await;
    }
    // The workload is not run here: what it would run is, with its token.
    for document in documents
        .iter()
        .filter(|document| document["kind"] != "Deployment")
    {
        cluster.apply(&document.to_string()).await;
    }
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client(), namespace);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec::default()),
        ..TokenRequest::default()
    };
    let token = accounts
        .create_token_request("greeting-operator", &PostParams::default(), &request)
        .await;
    let token = token.unwrap().status.unwrap().token.unwrap();

    let files = ["controller.json", "resource.json"].map(|name| folder.path().join(name));
    let project = Project::read(&files[0], &files[1]).unwrap();
    let operator = cluster
        .operator()
        .handlers(project.handlers(Pod::new("manager:1")));
    let operator = operator.namespaces([namespace]).token(token).start().await;
    let store = folder.path().join("greetings");
    let manager = folder.path().join("manager");
    let _kubelet = Kubelet::start(cluster.client(), namespace, manager, ("GREETINGS", store));
    let greetings = cluster.kind("greetings.hello.example.com").await;
    greetings
        .create_from("{apiVersion: hello.example.com/v1, kind: Greeting, metadata: {name: a}, spec: {text: hi}}")
        .await;
    greetings
        .until("a", |greeting: &Value| {
            greeting["status"]["phase"] == "Succeeded"
        })
        .await;
    assert_eq!(folder.read(&format!("greetings/{namespace}.a")), "hi");
    greetings.delete("a").await;
    greetings.until_gone("a").await;
    operator.stop().await;
    let log = operator.log();
    for forbidden in ["403", "orbidden"] {
        assert!(!log.contains(forbidden), "{forbidden} in:\n{log}");
    }
}
