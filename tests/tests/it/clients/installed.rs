//! Programs of others that tests drive where they are installed.
//!
//! Where one is not, its tests say so on the terminal, past the capture of the test harness, and prove nothing. Where
//! `KOPFRS_TESTS_REQUIRE` names it (`kubectl,kopf`), that is a failure: CI sets it to what it has installed.

use std::path::{Path, PathBuf};

use kopfrs_tests::untested;

/// `kubectl`, or what `KUBECTL` names.
pub(crate) fn kubectl() -> Option<PathBuf> {
    found("kubectl", "KUBECTL")
}

/// Kopf's own program, or what `KOPF` names: the one in a virtual environment, say.
pub(crate) fn kopf() -> Option<PathBuf> {
    found("kopf", "KOPF")
}

/// The folder of Kopf's own examples, which `KOPF_EXAMPLES` names.
pub(crate) fn kopf_examples() -> Option<PathBuf> {
    let named = std::env::var_os("KOPF_EXAMPLES").filter(|value| !value.is_empty());
    if named.is_none() {
        untested::say("KOPF_EXAMPLES does not name the folder of Kopf's examples");
    }
    named.map(PathBuf::from)
}

fn found(program: &str, variable: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).filter(|value| !value.is_empty());
    let found = match &named {
        Some(path) => Some(PathBuf::from(path)).filter(|path| path.is_file()),
        None => on_path(program),
    };
    if found.is_none() {
        missing(program, variable);
    }
    found
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(file);
    metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn missing(program: &str, variable: &str) {
    let required = std::env::var("KOPFRS_TESTS_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|one| one.trim() == program),
        "{program} is required, but neither installed nor named by {variable}"
    );
    untested::say(&format!(
        "{program} is not installed (nor named by {variable})"
    ));
}
