#![allow(unused)]

use std::time::Instant;

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

struct Mine;

#[derive(Deserialize)]
struct Spec {}

// By name, of a wrong type.
#[on::create(Pod)]
fn name(name: u32) {}
#[on::create(Pod)]
fn retry(retry: i64) {}
#[on::create(Pod)]
fn spec(spec: Mine) {}
#[on::create(Pod)]
fn spec_by_reference(spec: &Spec) {}
#[on::create(Pod)]
fn labels(labels: Vec<String>) {}
#[on::create(Pod)]
fn diff(diff: String) {}
#[on::create(Pod)]
fn memo(memo: u8) {}
#[on::create(Pod)]
fn body(body: Spec) {}

#[on::startup]
fn settings(settings: Settings) {}
#[on::event(Pod)]
fn event(event: Value) {}
#[on::create(Pod, param = Mine)]
fn param(param: Mine) {}

// By type, of a type that is not known.
#[on::create(Pod)]
fn instant(begin: Instant) {}
#[on::create(Pod)]
fn mine(thing: &Mine) {}
#[on::create(Pod)]
fn misspelt(specs: Spec) {}
#[on::event(Pod)]
fn elsewhere(old: Mine) {}

fn main() {}
