//! The layers of the framework: a module may use those above it in this list, and never one below.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom of the building, which knows nobody, to its roof. Modules on one row do not see
/// one another.
const LAYERS: &[&[&str]] = &[
    &[
        "chance", "clock", "duty", "health", "index", "logging", "metrics", "object",
    ],
    &["resource", "hierarchies"],
    &["cause"],
    &["storage", "filter"],
    &["lifecycle", "reconcile"],
    &["settings"],
    &["handler"],
    &["extract"],
    &["api"],
    &["events"],
    &["on", "registry"],
    &["exec"],
    &["action"],
    &["engine"],
    &["reactor"],
    &["admin"],
    &["operator"],
    &["cli", "prelude", "testing"],
    &["craft"],
    &["bin"],
    &["__private"],
];

/// What a module needs from one on its own row or below, and why that is no harm.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "on",
    "registry",
    "builders end in handlers, and the registry takes them in",
)];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a line of code names after `crate::`.
fn uses(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .filter(|name: &String| name.starts_with(|c: char| c.is_lowercase() || c == '_'))
        .collect()
}

/// What breaks the layers in one file.
fn violations(root: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(root).unwrap();
    let module = relative
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    let module = module.trim_end_matches(".rs");
    if module == "lib" {
        return Vec::new();
    }
    let Some(own) = layer(module) else {
        return vec![format!("{module} is in no layer: put it into LAYERS")];
    };
    let text = fs::read_to_string(file).unwrap();
    // Tests may use what they like.
    let is_test = relative
        .components()
        .any(|part| Path::new(&part).with_extension("").as_os_str() == "tests");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate().filter(|_| !is_test) {
        for used in uses(line).into_iter().filter(|used| used != module) {
            let is_excepted = EXCEPTIONS
                .iter()
                .any(|(a, b, _)| *a == module && *b == used);
            let is_lower = layer(&used).is_some_and(|layer| layer < own);
            if !is_lower && !is_excepted && layer(&used).is_some() {
                found.push(format!(
                    "{}:{}: {module} must not use {used}",
                    relative.display(),
                    number + 1
                ));
            }
        }
    }
    found
}

#[test]
fn no_module_uses_one_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50, "the sources were not found");
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| violations(&root, file))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_sandbox_knows_nothing_of_the_framework() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kopfrs-sandbox/Cargo.toml");
    let text = fs::read_to_string(manifest).unwrap();
    let dependencies = text.split("[dependencies]").nth(1).unwrap();
    assert!(
        !dependencies.lines().any(|line| line.starts_with("kopfrs")),
        "{dependencies}"
    );
}
