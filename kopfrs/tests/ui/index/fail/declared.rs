//! Index functions that return what cannot be kept, and arguments that they do not have.

#![allow(unused)]

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

#[on::index(Pod)]
fn nothing(name: &str) {}

#[on::index(Pod)]
async fn no_value(name: &str) -> Result<()> {
    Ok(())
}

#[on::index(Pod)]
fn patching(name: &str, patch: &Patch) -> String {
    name.to_owned()
}

#[on::index(Pod)]
fn comparing(old: &Value, diff: &Diff) -> String {
    String::new()
}

#[on::index(Pod, optional = true, old = "x")]
fn options(name: &str) -> String {
    name.to_owned()
}

#[on::index]
fn of_nothing() -> u32 {
    1
}

fn main() {}
