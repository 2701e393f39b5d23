//! Index functions whose values cannot be shared, and indices that cannot be taken.

#![allow(unused)]

use std::collections::BTreeMap;
use std::rc::Rc;

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

/// Cannot be copied.
struct Handle;

#[on::index(Pod)]
fn local(name: &str) -> Rc<String> {
    Rc::new(name.to_owned())
}

#[on::index(Pod)]
fn single() -> Handle {
    Handle
}

#[on::index(Pod)]
fn fine(name: &str) -> BTreeMap<String, u32> {
    BTreeMap::new()
}

#[on::update(Pod)]
fn untyped(fine: Index<String, Handle>) {}

fn declared() {
    let _ = on::update::<Pod>().run(async |fine: Index<String, u32>| {});
}

fn main() {}
