#![allow(unused)]

use kopfrs::prelude::*;
use k8s_openapi::api::core::v1::Pod;

#[on::create(Pod, retries = 0)]
fn no_attempts() {}
#[on::create(Pod, retries = "5")]
fn attempts_as_text() {}
#[on::create(Pod, retries)]
fn no_value() {}
#[on::create(Pod, timeout = "0s")]
fn no_time() {}
#[on::create(Pod, backoff = "10 parsecs")]
fn no_duration() {}
#[on::create(Pod, backoff = "30s1m")]
fn units_in_disorder() {}
#[on::create(Pod, backoff = -1)]
fn negative() {}
#[on::create(Pod, errors = permament)]
fn misspelt_mode() {}
#[on::create(Pod, errors = sometimes)]
fn unknown_mode() {}
#[on::create(Pod, id = "")]
fn empty_id() {}
#[on::create(Pod, id = "a b")]
fn id_with_a_space() {}
#[on::create(Pod, id = 5)]
fn id_as_number() {}
#[on::create(Pod, labels = "x")]
fn labels_as_text() {}
#[on::create(Pod, labels())]
fn no_labels() {}
#[on::create(Pod, labels(app))]
fn label_alone() {}
#[on::create(Pod, labels(app = "x", app = "y"))]
fn label_twice() {}
#[on::create(Pod, annotations(size = 1))]
fn annotation_as_number() {}
#[on::create(Pod, labels(5 = "x"))]
fn key_as_number() {}
#[on::create(Pod, labels(app = |a, b| true))]
fn check_of_two() {}
#[on::create(Pod, when = |a, b| true)]
fn condition_of_two() {}
#[on::create(Pod, when = true)]
fn condition_without_function() {}
#[on::create(Pod, field = "spec..a")]
fn empty_segment() {}
#[on::create(Pod, field = ["spec", 1])]
fn segment_as_number() {}
#[on::create(Pod, field = 5)]
fn field_as_number() {}

fn main() {}
