#![allow(unused)]

use kopfrs::prelude::*;
use k8s_openapi::api::core::v1::Pod;

// Probes are about the operator, not about objects.
#[on::probe(Pod)]
fn selector_of_a_probe() {}
#[on::probe(field = "spec.a")]
fn field_of_a_probe() {}
#[on::probe(interval = "10s")]
fn interval_of_a_probe() {}
#[on::probe]
fn body_in_a_probe(body: &Body) {}
#[on::probe]
fn diff_in_a_probe(diff: &Diff) {}

fn main() {}
