//! One operator, whose body is a program in one language or another.

use std::path::PathBuf;
use std::process::Command;

use kopfrs::testing::Cluster;
use serde_json::{Value, json};

use crate::program::Folder;

/// A program that does what greetings need.
fn compiled(folder: &Folder) -> PathBuf {
    let program = folder.path().join("compiled");
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/craft/managers/manager.rs"
    );
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "-o"]).arg(&program);
    assert!(command.arg(source).status().unwrap().success());
    program
}

fn has_python() -> bool {
    let output = Command::new("python3").arg("--version").output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        let line = "NOT TESTED: an operator in Python: python3 is not installed\n";
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("stderr is open");
    }
    is_there
}

/// An object comes, changes and goes; gives what the program was asked to do.
async fn live(cluster: &Cluster, folder: &Folder, manager: &str) -> Vec<String> {
    let program = folder.start_operator(cluster, manager);
    program.until(cluster, "watching greetings").await;
    let greetings = cluster.kind("greetings.hello.example.com").await;
    greetings
        .create_from(
            "{apiVersion: hello.example.com/v1, kind: Greeting, metadata: {name: a}, spec: {text: hello}}",
        )
        .await;
    let is_there = |text: &'static str| {
        move |greeting: &Value| {
            let status = &greeting["status"];
            let is_seen = status["observedGeneration"] == greeting["metadata"]["generation"];
            is_seen && status["phase"] == "Succeeded" && greeting["spec"]["text"] == text
        }
    };
    let file = format!("greetings/{}.a", cluster.namespace());
    let made = greetings.until("a", is_there("hello")).await;
    assert_eq!(
        made["status"]["payload"],
        json!({"file": file}),
        "{manager}"
    );
    assert_eq!(folder.read(&file), "hello", "{manager}");
    let edit = json!({"spec": {"text": "good day"}});
    greetings.merge("a", edit).await;
    greetings.until("a", is_there("good day")).await;
    assert_eq!(folder.read(&file), "good day", "{manager}");
    greetings.delete("a").await;
    greetings.until_gone("a").await;
    program.stop();
    let log = folder.read("greetings/log");
    let mut asked: Vec<_> = log.lines().map(str::to_owned).collect();
    asked.dedup();
    asked
}

#[kopfrs::test(wire)]
async fn an_operator_is_the_same_in_any_language(cluster: Cluster) {
    let folder = Folder::furnished();
    let in_shell = live(&cluster, &folder, "./manager").await;
    let folder = Folder::furnished();
    let program = compiled(&folder);
    let in_rust = live(&cluster, &folder, program.to_str().unwrap()).await;
    assert_eq!(in_rust, in_shell);
    if has_python() {
        let folder = Folder::furnished();
        folder.write("manager", include_str!("managers/manager.py"));
        let in_python = live(&cluster, &folder, "./manager").await;
        assert_eq!(in_python, in_shell);
    }
}
