#![allow(unused)]

use kopfrs::prelude::*;
use k8s_openapi::api::core::v1::Pod;

struct NotAKind;

#[derive(Clone)]
struct Config;

fn is_text(_: &str) -> bool {
    true
}

#[on::create(NotAKind)]
fn not_a_kind() {}

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "x.io", version = "v1", kind = "Demo")]
struct DemoSpec {}

#[on::event(DemoSpec)]
fn spec_instead_of_the_kind() {}

#[on::create(Pod, retries = attempts())]
fn attempts_of_a_wrong_type() {}

fn attempts() -> i64 {
    5
}

#[on::create(Pod, backoff = 5 + 5)]
fn duration_of_a_wrong_type() {}

#[on::create(Pod, param = 5)]
fn param_of_a_wrong_type(param: &Config) {}

#[on::create(Pod, param = std::rc::Rc::new(5))]
fn param_that_cannot_be_shared() {}

#[on::create(Pod, when = |cause| cause.reason)]
fn condition_of_a_wrong_type() {}

#[on::create(Pod, when = is_text)]
fn condition_of_something_else() {}

#[on::create(Pod, labels(app = is_text))]
fn check_of_a_wrong_type() {}

#[on::create(Pod, labels(app = Config))]
fn criterion_of_a_wrong_type() {}

#[on::create(Pod, field = "spec.a", value = Config)]
fn value_of_a_wrong_type() {}

#[on::delete(Pod, optional = 5)]
fn flag_of_a_wrong_type() {}

#[on::create(Pod, field = String::new())]
fn field_of_a_wrong_type() {}

fn main() {}
