#![allow(unused)]

use kopfrs::prelude::*;
use k8s_openapi::api::core::v1::Pod;

#[on::create(Pod)]
struct NotAFunction;

#[on::create(Pod)]
unsafe fn with_unsafe() {}

#[on::create(Pod)]
extern "C" fn with_abi() {}

#[on::create(Pod)]
fn with_generics<T, const N: usize>(spec: &Value) {}

#[on::create(Pod)]
fn with_lifetimes<'a>(name: &'a str) {}

#[on::create(Pod)]
fn with_static(name: &'static str) {}

#[on::create(Pod)]
fn with_where(name: &str) where String: Clone {}

#[on::create(Pod)]
fn with_patterns((a, b): (u8, u8), ref name: String, _: &Body) {}

#[on::create(Pod)]
fn with_impl(spec: impl Clone, name: Option<Box<impl Clone>>) {}

#[on::create(Pod)]
fn with_mut(patch: &mut Patch) {}

#[on::create(Pod)]
fn with_cfg(#[cfg(unix)] name: &str) {}

fn main() {}
