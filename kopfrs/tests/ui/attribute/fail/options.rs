#![allow(unused)]

use kopfrs::prelude::*;
use k8s_openapi::api::core::v1::Pod;

// Unknown options.
#[on::create(Pod, retry = 5)]
fn misspelt() {}
#[on::create(Pod, nonsense = 5)]
fn unknown() {}
#[on::startup(feild = 5)]
fn of_an_activity() {}
#[on::create(Pod, optinal)]
fn misspelt_flag() {}

// Options of other kinds.
#[on::create(Pod, old = 5)]
fn old_of_a_creation() {}
#[on::event(Pod, retries = 5)]
fn retries_of_an_event() {}
#[on::create(Pod, deleted)]
fn deleted_of_a_creation() {}
#[on::startup(labels(app = "x"))]
fn labels_of_an_activity() {}

// Combinations.
#[on::create(Pod, retries = 5, retries = 6)]
fn twice() {}
#[on::create(Pod, value = 5)]
fn value_without_a_field() {}
#[on::update(Pod, old = 5, new = 6)]
fn old_and_new_without_a_field() {}
#[on::update(Pod, field = "spec.a", value = 1, old = 2)]
fn value_and_old() {}
#[on::field(Pod)]
fn field_without_a_field() {}
#[on::create(Pod retries = 5)]
fn no_comma() {}

// All at once.
#[on::create(Pod, retry = 5, backoff = "1 parsec", errors = permament, labels(a = 1, b))]
fn all_at_once() {}

fn main() {}
