//! What is printed, with kubectl where it is installed. Where it is not, that is said past the capture of the tests.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use kopfrs::testing::Cluster;
use serde_json::Value;

use crate::program::Folder;

/// `kubectl`, or what `KUBECTL` names. `KOPFRS_TESTS_REQUIRE` can demand it.
fn kubectl() -> Option<PathBuf> {
    let named = std::env::var_os("KUBECTL").filter(|value| !value.is_empty());
    let program = named.map_or_else(|| PathBuf::from("kubectl"), PathBuf::from);
    let found = Command::new(&program)
        .args(["version", "--client"])
        .output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    let required = std::env::var("KOPFRS_TESTS_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|one| one.trim() == "kubectl"),
        "kubectl is required, but not installed"
    );
    let line = "NOT TESTED: what kubectl makes of the manifests: it is not installed\n";
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("stderr is open");
    None
}

struct Kubectl<'a> {
    program: PathBuf,
    cluster: &'a Cluster,
    folder: &'a Folder,
}

impl Kubectl<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(self.cluster.kubeconfig());
        command
            .args(["--namespace", self.cluster.namespace()])
            .args(arguments);
        command
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        command.output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[kopfrs::test(wire)]
async fn kubectl_accepts_explains_and_shows_what_the_files_make(cluster: Cluster) {
    let Some(program) = kubectl() else { return };
    let folder = Folder::furnished();
    let namespace = cluster.namespace();
    let controller = folder.read("controller.json");
    let named = controller.replace(
        "\"namespace\": \"greetings\"",
        &format!("\"namespace\": {namespace:?}"),
    );
    folder.write("controller.json", &named);
    folder.succeed(&["deploy", "--output", "operator.yaml"]);
    let documents: Vec<Value> = serde_saphyr::from_multiple(&folder.read("operator.yaml")).unwrap();
    let definition = documents
        .iter()
        .find(|document| document["kind"] == "CustomResourceDefinition");
    folder.write("crd.yaml", &definition.unwrap().to_string());
    let kubectl = Kubectl {
        program,
        cluster: &cluster,
        folder: &folder,
    };

    kubectl.succeed(&["apply", "--dry-run=server", "-f", "operator.yaml"]);
    kubectl.succeed(&["apply", "-f", "crd.yaml"]);
    let name = "crd/greetings.hello.example.com";
    kubectl.succeed(&["wait", "--for=condition=Established", name, "--timeout=60s"]);
    let explained = kubectl.succeed(&["explain", "greetings.spec.text"]);
    assert!(explained.contains("What the greeting says."), "{explained}");

    let greeting = |spec: &str| {
        format!(
            "apiVersion: hello.example.com/v1\nkind: Greeting\nmetadata: {{name: a}}\nspec: {spec}\n"
        )
    };
    folder.write("bad.yaml", &greeting("{text: a, copies: 6}"));
    let refused = kubectl.run(&["apply", "-f", "bad.yaml"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && said.contains("spec.copies"),
        "{said}"
    );

    let kubeconfig = cluster.kubeconfig().to_str().unwrap().to_owned();
    let arguments = [
        "exec",
        "--process",
        "./manager",
        "--no-install",
        "--kubeconfig",
        &kubeconfig,
        "-n",
        namespace,
    ];
    let running = folder.start(&arguments);
    folder.write("good.yaml", &greeting("{text: hello}"));
    kubectl.succeed(&["apply", "-f", "good.yaml"]);
    kubectl.succeed(&[
        "wait",
        "--for=condition=Ready",
        "greeting/a",
        "--timeout=60s",
    ]);
    let shown = kubectl.succeed(&["get", "greetings"]);
    let words: Vec<_> = shown.split_whitespace().collect();
    assert_eq!(words[..4], ["NAME", "PHASE", "MESSAGE", "AGE"], "{shown}");
    assert!(words.contains(&"Succeeded"), "{shown}");
    kubectl.succeed(&["delete", "greeting", "a"]);
    running.stop();
}
