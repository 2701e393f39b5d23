//! The operator of the README, built as its readers build it: a package of its own, outside of the
//! workspace.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The first block of a language in a text.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let (_, rest) = text
        .split_once(&format!("```{language}\n"))
        .expect("the README has the block");
    rest.split_once("```").expect("the block ends").0
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in the workspace")
        .to_owned()
}

/// Writes the package of the README to a folder; what it takes from the registry comes from here.
fn write_package(folder: &Path, workspace: &Path) {
    let readme = fs::read_to_string(workspace.join("README.md")).expect("the README can be read");
    let patch = format!(
        "\n[workspace]\n\n[patch.crates-io]\nkopfrs = {{ path = \"{}\" }}\n",
        workspace.join("kopfrs").display()
    );
    fs::create_dir_all(folder.join("src")).expect("the folder can be made");
    fs::write(
        folder.join("Cargo.toml"),
        block(&readme, "toml").to_owned() + &patch,
    )
    .expect("it can be written");
    fs::write(folder.join("src/main.rs"), block(&readme, "rust")).expect("it can be written");
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).expect("it can be copied");
}

#[test]
fn the_first_operator_of_the_readme_builds_as_a_package_of_its_own() {
    let workspace = workspace();
    let target = workspace.join("target/readme");
    let folder = target.join("first-operator");
    write_package(&folder, &workspace);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--offline", "--quiet"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .expect("cargo can be run");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let listed = Command::new(target.join("debug/first-operator"))
        .arg("handlers")
        .output()
        .expect("the operator can be run");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for handler in ["create", "update", "delete"] {
        let has_row = listed
            .lines()
            .any(|line| line.starts_with(handler) && line.contains("demos.v1.example.com"));
        assert!(has_row, "{handler} is not listed:\n{listed}");
    }
}
