//! What the program under test says when it cannot run.

use std::process::Command;

/// Starts it without a cluster; gives its exit code and its last words.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_oracle-operator"))
        .args(arguments)
        .env("KUBECONFIG", "/nonexistent")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn what_the_framework_does_not_have_yet_is_told() {
    for (fixture, missing) in [
        ("F4", "`daemon`"),
        ("F4i", "`timer`"),
        ("F5", "`nested_from`"),
        ("F6", "`index`"),
        ("F8", "`validate`"),
    ] {
        let (code, said) = run(&[fixture, "main", "/dev/null", "default"]);
        assert_eq!(code, Some(2), "{fixture}: {said}");
        assert!(said.contains(missing), "{fixture}: {said}");
    }
}

#[test]
fn wrong_usage_is_told() {
    for (arguments, said) in [
        (&[][..], "usage:"),
        (&["F0", "main", "/dev/null", "default"], "no fixture \"F0\""),
        (&["F1", "c", "/dev/null", "default"], "no operator \"c\""),
    ] {
        let (code, all) = run(arguments);
        assert_eq!(code, Some(2), "{all}");
        assert!(all.contains(said), "{all}");
    }
}

#[test]
fn without_credentials_it_fails() {
    let (code, said) = run(&["F1", "main", "/dev/null", "default"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("kubeconfig"), "{said}");
}
