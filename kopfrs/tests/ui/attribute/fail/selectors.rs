#![allow(unused)]

use kopfrs::prelude::*;
use k8s_openapi::api::core::v1::Pod;

#[on::create]
fn none() {}
#[on::create()]
fn empty() {}
#[on::startup(Pod)]
fn of_an_activity() {}
#[on::create(Pod, "pods")]
fn two() {}
#[on::create(Pod, kind = "Pod")]
fn two_ways() {}
#[on::create(retries = 1, Pod)]
fn late() {}
#[on::create("")]
fn empty_name() {}
#[on::create("pods..v1")]
fn empty_part() {}
#[on::create("my pods")]
fn name_with_a_space() {}
#[on::create(kind = "a.b")]
fn dotted_kind() {}
#[on::create(kind = Pod)]
fn kind_as_type() {}
#[on::create(("a", "b", "c", "d"))]
fn four_names() {}
#[on::create(("a", 1))]
fn names_as_numbers() {}
#[on::create(5)]
fn number() {}
#[on::create(Pod, group = "")]
fn group_of_a_type() {}
#[on::create("demos.v1.example.com", version = "v2")]
fn two_versions() {}
#[on::create(kind = "Demo", group = example)]
fn group_as_type() {}
#[on::create(group = "example.com")]
fn group_alone() {}

fn main() {}
