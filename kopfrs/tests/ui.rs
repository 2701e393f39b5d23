//! What the attributes say to the user, message by message, and what they let through.
//!
//! `fail`: each file is compiled alone; its messages are compared with the file beside it, on the
//! compiler on which they were blessed (`TRYBUILD=overwrite`) only. `pass`: part of this program.

#![cfg(feature = "macros")]
#![allow(
    unused_variables,
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::ptr_arg,
    reason = "functions are declared for their signatures"
)]

#[path = "ui/arguments/pass/mod.rs"]
mod arguments;
#[path = "ui/attribute/pass/mod.rs"]
mod attribute;
#[path = "ui/returns/pass/mod.rs"]
mod returns;

use kopfrs::Registry;

const BLESSED_ON: &str = "rustc 1.95.";

#[test]
fn every_mistake_gets_its_message() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(rustc).arg("--version").output();
    let version = String::from_utf8(version.unwrap().stdout).unwrap();
    if !version.starts_with(BLESSED_ON) {
        eprintln!("skipped: messages are those of {BLESSED_ON}, this is {version}");
        return;
    }
    let tests = trybuild::TestCases::new();
    for folder in [
        "attribute",
        "arguments",
        "derive",
        "index",
        "returns",
        "run",
        "test",
    ] {
        tests.compile_fail(format!("tests/ui/{folder}/fail/*.rs"));
    }
}

#[test]
fn what_passes_is_registered() {
    let count = |module: &str| Registry::module(&format!("{}::{module}", module_path!())).len();
    assert_eq!(count("attribute"), attribute::COUNT);
    assert_eq!(count("arguments"), arguments::COUNT);
    assert_eq!(count("returns"), returns::COUNT);
}
